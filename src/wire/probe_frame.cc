#include "wire/probe_frame.h"

#include "base/status.h"
#include "base/strings.h"
#include "model/names.h"
#include "wire/fixed_bytes.h"

namespace sluice {
namespace {

constexpr char kProofDomain[] = "sluice probe v1";
constexpr char kProbeVersion = 1;
constexpr size_t kProbeHeader = 3;
constexpr size_t kMostPort = 63;

std::string ProofText(std::string_view words) {
  return StrCat(std::string_view(kProofDomain, sizeof(kProofDomain)), words);
}

absl::Status CheckProbePort(const std::string& port) {
  if (port.empty() || port.size() > kMostPort)
    return absl::InvalidArgumentError("a probe names no port");
  return absl::OkStatus();
}

absl::Status CheckQuestion(const probe::v1::Question& question) {
  SLUICE_RETURN_IF_ERROR(FromWireBytes<16>("the nonce", question.nonce()).status());
  SLUICE_RETURN_IF_ERROR(CheckName("node", question.node()));
  if (!question.target().empty()) SLUICE_RETURN_IF_ERROR(CheckName("node", question.target()));
  return CheckProbePort(question.port());
}

absl::Status CheckAnswer(const probe::v1::Answer& answer) {
  SLUICE_RETURN_IF_ERROR(FromWireBytes<16>("the nonce", answer.nonce()).status());
  return FromWireBytes<16>("the answer", answer.answer()).status();
}

}  // namespace

std::string EncodeProbe(const probe::v1::Frame& frame) {
  const std::string message = frame.SerializeAsString();
  std::string payload{kProbeVersion, static_cast<char>(message.size() >> 8),
                      static_cast<char>(message.size() & 0xff)};
  return payload + message;
}

absl::StatusOr<probe::v1::Frame> DecodeProbe(std::string_view payload) {
  if (payload.size() < kProbeHeader || payload[0] != kProbeVersion)
    return absl::InvalidArgumentError("not a probe of version 1");
  const size_t size =
      static_cast<size_t>(static_cast<uint8_t>(payload[1])) << 8 | static_cast<uint8_t>(payload[2]);
  if (payload.size() < kProbeHeader + size)
    return absl::InvalidArgumentError("a probe that was cut off");
  probe::v1::Frame frame;
  if (!frame.ParseFromArray(payload.data() + kProbeHeader, static_cast<int>(size)))
    return absl::InvalidArgumentError("a probe that does not parse");
  switch (frame.body_case()) {
    case probe::v1::Frame::kQuestion:
      SLUICE_RETURN_IF_ERROR(CheckQuestion(frame.question()));
      return frame;
    case probe::v1::Frame::kAnswer:
      SLUICE_RETURN_IF_ERROR(CheckAnswer(frame.answer()));
      return frame;
    case probe::v1::Frame::kProof:
      return frame;
    case probe::v1::Frame::kLoad:
      SLUICE_RETURN_IF_ERROR(FromWireBytes<16>("the nonce", frame.load().nonce()).status());
      return frame;
    case probe::v1::Frame::BODY_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("a probe of an unknown kind");
}

void SignProof(const Ed25519Signer& identity, const probe::v1::ProofWords& words,
               probe::v1::Proof& proof) {
  proof.set_words(words.SerializeAsString());
  proof.set_signature(ToWireBytes(identity.Sign(ProofText(proof.words()))));
}

bool VerifyProof(const PublicKey& identity, const probe::v1::Proof& proof) {
  return Ed25519Verify(identity, ProofText(proof.words()), proof.signature());
}

}  // namespace sluice
