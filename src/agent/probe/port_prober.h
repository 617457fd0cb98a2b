// One fabric port's questions, answers and proofs.
#ifndef SLUICE_AGENT_PROBE_PORT_PROBER_H_
#define SLUICE_AGENT_PROBE_PORT_PROBER_H_

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "agent/probe/lldp.h"
#include "agent/probe/probe_terms.h"
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

using ProbeNonce = std::array<uint8_t, 16>;
using ProbeRandom = std::function<void(std::span<uint8_t>)>;

// What the ports of a node have in common.
struct ProbeShared {
  std::string fleet;
  std::string node;
  Ed25519Signer identity;
  PublicKey lease_key{};
  ProbeInstance instance{};
  ProbeRandom random;
  ProbeTerms terms;
  // Whose question a nonce is, so that an answer at another port is noticed.
  std::map<ProbeNonce, std::string> asked_from;
  // Credentials that have been verified: a signature less for each proof.
  std::map<std::string, Credential> known;
};

// Not thread-safe. `shared`, `clock` and `packets` outlive it.
class PortProber {
 public:
  PortProber(std::string port, ProbeShared& shared, const Clock& clock, PacketPorts& packets);

  const std::string& name() const { return port_; }
  // Takes in what has arrived, asks what is due, forgets what is over. `stalled`: for how long
  // nobody called it though it was due, which is no fault of the neighbours.
  void Run(absl::Duration stalled);
  PortWiring Report(BootTime now);
  // Measures what the cable carries at least, in a number of tries of at most a millisecond of
  // `speed` each, a tenth of a second apart.
  void Measure(BitRate speed);
  std::vector<int> Descriptors() const;
  BootTime NextWake() const;

 private:
  struct Question {
    BootTime asked;
    std::string target;
    bool nearest = false;
    absl::Duration interval;  // after which the same is asked again
    // Answers that came, and when; none where that is not known exactly. Proofs that came.
    std::map<ProbeNonce, std::optional<BootTime>> answers;
    std::set<ProbeNonce> proved;
    bool loaded = false;  // frames came before it, and its time is theirs
  };
  struct Asking {  // one kind of question, asked again and again
    std::string target;
    bool nearest = false;
    absl::Duration interval;
    BootTime next;
  };
  struct Key {
    PortName port;
    bool nearest = false;
    ProbeInstance instance{};
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Known {
    PublicKey identity{};
    MacAddress address{};
    BootTime first;
    BootTime last;
    BootTime expires;
    absl::Duration window;
    std::deque<std::pair<BootTime, absl::Duration>> rtts;
  };
  struct Alarm {
    ProbeAlarm told;
    BootTime last;
  };

  void Open(BootTime now);
  void Close();
  void CheckCarrier(BootTime now);
  void TakeFrames();
  void TakeLldp(BootTime now);
  void OnFrame(const ReceivedFrame& received);
  void OnQuestion(const ReceivedFrame& received, const probe::v1::Question& question);
  void OnAnswer(const ReceivedFrame& received, const probe::v1::Answer& answer);
  void OnProof(const ReceivedFrame& received, const probe::v1::Proof& proof);
  // The question that a nonce belongs to; otherwise raises the alarm that fits.
  Question* FindQuestion(const std::string& nonce, std::string_view what);
  absl::StatusOr<Credential> CheckCredential(const probe::v1::Proof& proof);
  void TakeProof(const ReceivedFrame& received, const probe::v1::ProofWords& words,
                 const Credential& credential, Question& question, const ProbeNonce& answer);
  bool IsCrowdedBy(const std::string& node) const;
  void LookForClones(const Key& key, BootTime now);
  void Plan(BootTime now);
  void AskDue(BootTime now);
  void Ask(Asking& asking, BootTime now);
  MacAddress AddressFor(const Asking& asking, BootTime now) const;
  void TryCapacity(BootTime now);
  void TakeCapacity(const PortName& to, uint64_t bytes, absl::Duration took);
  void Forget(BootTime now, absl::Duration stalled);
  void ForgetNeighbours(BootTime now);
  void Raise(ProbeAlarm::Kind kind, std::string words, PortName about = {});
  absl::StatusOr<BootTime> Send(const MacAddress& to, const probe::v1::Frame& frame);
  bool MayAnswer(BootTime now);

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
  BootTime carrier_at_;  // when it is looked at again
  std::vector<Asking> askings_;
  std::set<std::string> planned_for_;
  size_t planned_crowd_ = 0;
  std::map<ProbeNonce, Question> questions_;
  std::map<ProbeNonce, BootTime> heard_;  // others' questions
  std::map<Key, Known> neighbours_;
  std::map<std::pair<ProbeAlarm::Kind, std::string>, Alarm> alarms_;
  LldpTable claims_;
  std::map<ProbeNonce, std::pair<BootTime, uint64_t>> loads_;  // that came in, and their bytes
  int tries_left_ = 0;
  BitRate try_speed_;
  BootTime next_try_;
  std::optional<PortCapacity> measuring_;  // the best so far
  std::optional<PortCapacity> capacity_;
  uint64_t measurements_ = 0;
  double answers_left_ = 0;
  BootTime answers_at_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_PROBE_PORT_PROBER_H_
