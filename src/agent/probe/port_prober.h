// One fabric port's questions, answers and proofs.
#ifndef SLUICE_AGENT_PROBE_PORT_PROBER_H_
#define SLUICE_AGENT_PROBE_PORT_PROBER_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/probe/capacity_check.h"
#include "agent/probe/lldp.h"
#include "agent/probe/neighbour_table.h"
#include "agent/probe/nonce_memory.h"
#include "agent/probe/probe_alarms.h"
#include "agent/probe/probe_terms.h"
#include "agent/probe/question_plan.h"
#include "agent/probe/token_bucket.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "model/wiring.h"
#include "os/packet/packet_interface.h"
#include "proto/probe.pb.h"
#include "wire/credential.h"

namespace sluice {

inline constexpr uint16_t kProbeEtherType = 0x88b5;
// That no bridge forwards (IEEE 802.1Q-2018, table 8-1: nearest bridge) …
inline constexpr MacAddress kNearestGroup{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e};
// … and that all do: a group address of our own, locally administered.
inline constexpr MacAddress kFabricGroup{0x03, 0x00, 0x53, 0x4c, 0x43, 0x45};

using ProbeRandom = std::function<void(std::span<uint8_t>)>;

// What the ports of a node have in common.
struct ProbeShared {
  std::string fleet;
  std::string node;
  Ed25519Signer identity;
  PublicKey lease_key{};
  ProbeInstance instance{};
  ProbeRandom random;
  ProbeTerms terms = {};
  uint64_t terms_number = 0;  // counts them
  // Whose question a nonce is, so that an answer at another port is noticed.
  NonceMemory<std::string> asked_from{65'536};
  // Credentials that have been verified: a signature less for each proof.
  std::map<std::string, Credential> known = {};
};

// What others can make it cost, for each port:
// - Signatures: 500 answers a second, or eight for each place of a target if that is more, and at
//   most 5000.
// - Verifications: what fits no question of ours and no answer to it, or comes too late, is
//   dropped unread. A question entitles the two who answer it first (32 where all are asked) to
//   have one proof each verified; any other proof takes a token, of which there are 50 a second,
//   and gives it back if it is genuine. So no more than 50 a second fail and two for each
//   question, of which there are at most 320 a second, and 25 where there are two targets. A
//   flood takes nothing from those who answer before it.
//
// Not thread-safe. `shared`, `clock` and `packets` outlive it.
class PortProber {
 public:
  PortProber(std::string port, ProbeShared& shared, const Clock& clock, PacketPorts& packets);

  const std::string& name() const { return port_; }
  // Takes in what has arrived, asks what is due, forgets what is over. `stalled`: for how long
  // nobody called it though it was due, which is no fault of the neighbours.
  void Run(absl::Duration stalled);
  // Whether since the last call something came or went that Report tells of. Round trips, and
  // what time alone changes, are not counted.
  bool TakeChange();
  PortWiring Report(BootTime now);
  // Measures what the cable carries at least, in a number of tries of at most a millisecond of
  // `speed` each, a tenth of a second apart.
  void Measure(BitRate speed) { capacity_.Begin(speed, clock_.Now()); }
  std::vector<int> Descriptors() const;
  BootTime NextWake() const;

 private:
  struct Reply {
    std::optional<BootTime> at;  // none where that is not known exactly
    bool entitled = false;       // to have one proof verified
    bool proved = false;
  };
  struct Question {
    BootTime asked;
    std::string target;
    bool nearest = false;
    absl::Duration interval;  // after which the same is asked again
    std::optional<SentLoad> load = {};
    std::map<ProbeNonce, Reply> replies = {};
  };

  void Open(BootTime now);
  void Close();
  void Unplug();
  void CheckCarrier(BootTime now);
  void TakeFrames();
  void TakeLldp(BootTime now);
  void OnFrame(const ReceivedFrame& received);
  void OnLoad(const ReceivedFrame& received, const probe::v1::Load& load);
  void OnQuestion(const ReceivedFrame& received, const probe::v1::Question& question);
  void AnswerTo(const ReceivedFrame& received, const probe::v1::Question& question);
  void OnAnswer(const ReceivedFrame& received, const probe::v1::Answer& answer);
  void OnProof(const ReceivedFrame& received, const probe::v1::Proof& proof);
  // The question that a nonce belongs to; otherwise raises the alarm that fits.
  Question* FindQuestion(const std::string& nonce, std::string_view what);
  // The reply that a proof belongs to, if it is worth verifying.
  Reply* FindReply(Question& question, const probe::v1::ProofWords& words);
  std::optional<Credential> Verify(const probe::v1::Proof& proof,
                                   const probe::v1::ProofWords& words);
  absl::StatusOr<Credential> CheckCredential(const probe::v1::Proof& proof);
  void TakeProof(const ReceivedFrame& received, const probe::v1::ProofWords& words,
                 const Credential& credential, const Question& question, const Reply& reply);
  void LookForOurself(const NeighbourTable::Proof& proof);
  void Plan(BootTime now);
  void AskDue(BootTime now);
  void Ask(const Asking& asking, const MacAddress& to);
  probe::v1::Frame MakeQuestion(const ProbeNonce& nonce, const std::string& target, bool nearest);
  ProbeNonce NewNonce();
  void TryCapacity(BootTime now);
  void Forget(BootTime now, absl::Duration stalled);
  void Raise(ProbeAlarm::Kind kind, std::string words, PortName about = {});
  absl::StatusOr<BootTime> Send(const MacAddress& to, const probe::v1::Frame& frame);

  const std::string port_;
  ProbeShared& shared_;
  const Clock& clock_;
  PacketPorts& packets_;
  std::unique_ptr<PacketPort> probes_;
  std::unique_ptr<PacketPort> lldp_;
  BootTime reopen_at_;
  BootTime listening_since_;
  std::optional<BootTime> plugged_;
  bool carrier_ = false;
  bool blind_ = false;   // nobody can tell whether there is carrier
  BootTime carrier_at_;  // when it is looked at again
  BootTime forget_at_;
  bool changed_ = true;
  uint64_t changes_seen_ = 0;  // of neighbours_
  QuestionPlan plan_;
  NonceMemory<Question> questions_;
  NonceMemory<bool> heard_;      // others' questions
  NonceMemory<uint64_t> loads_;  // that came in: their bytes
  NeighbourTable neighbours_;
  ProbeAlarms alarms_;
  LldpTable claims_;
  CapacityCheck capacity_;
  TokenBucket answers_;
  TokenBucket failures_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_PROBE_PORT_PROBER_H_
