#include "agent/probe/port_prober.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "wire/probe_frame.h"

namespace sluice {
namespace {

constexpr absl::Duration kReopen = absl::Milliseconds(250);
constexpr absl::Duration kLookAtCarrier = absl::Milliseconds(50);
constexpr absl::Duration kComesUp = absl::Milliseconds(1500);
constexpr absl::Duration kAskNearest = absl::Milliseconds(100);
constexpr absl::Duration kAskTarget = absl::Milliseconds(200);
// Whoever hears it, more seldom the more there are: all of them answer.
constexpr absl::Duration kAskAll = absl::Milliseconds(400);
constexpr absl::Duration kAskAllEach = absl::Milliseconds(20);
// A proof stands for so many unanswered questions, and at least for so long.
constexpr int kMissed = 3;
constexpr absl::Duration kStands = absl::Seconds(1);
constexpr absl::Duration kAnswersUntil = absl::Seconds(1);
constexpr absl::Duration kRemember = absl::Seconds(10);
constexpr size_t kMostRemembered = 8192;
constexpr size_t kMostKnown = 4096;
constexpr size_t kMostNeighbours = 800;
constexpr ptrdiff_t kMostOfOneNode = 64;
constexpr size_t kMostReported = 1000;
constexpr size_t kFewRtts = 3;
// Proofs that are worth signing: what asks for more is no neighbour.
constexpr double kAnswersEachSecond = 500;
constexpr double kAnswersAtOnce = 200;
// A measurement's tries: short against what a queue may cost, and a hundredth of the time.
constexpr int kTries = 10;
constexpr absl::Duration kTryEvery = absl::Milliseconds(100);
constexpr absl::Duration kTryLasts = absl::Milliseconds(1);
constexpr uint64_t kMostTryBytes = 2'000'000;
constexpr size_t kLoadPadding = 1400;
constexpr size_t kEthernetHeader = 14;
constexpr size_t kMostLoads = 64;
// Two boxes that answer in turn are not one that began anew.
constexpr absl::Duration kInTurn = absl::Milliseconds(300);

template <typename Map>
void Bound(Map& map, size_t most) {
  while (map.size() > most) map.erase(map.begin());
}

}  // namespace

PortProber::PortProber(std::string port, ProbeShared& shared, const Clock& clock,
                       PacketPorts& packets)
    : port_(std::move(port)),
      shared_(shared),
      clock_(clock),
      packets_(packets),
      listening_since_(clock.Now()),
      answers_left_(kAnswersAtOnce),
      answers_at_(clock.Now()) {
  Open(clock.Now());
}

void PortProber::Open(BootTime now) {
  reopen_at_ = now + kReopen;
  auto probes = packets_.Open(port_, kProbeEtherType, {kNearestGroup, kFabricGroup});
  auto lldp =
      packets_.Open(port_, kLldpEtherType, {std::begin(kLldpGroups), std::end(kLldpGroups)});
  if (!probes.ok() || !lldp.ok()) return;
  probes_ = *std::move(probes);
  lldp_ = *std::move(lldp);
  const auto carrier = probes_->Carrier();
  carrier_ = carrier.ok() && *carrier;
}

void PortProber::Close() {
  probes_.reset();
  lldp_.reset();
  carrier_ = false;
  neighbours_.clear();
  claims_.Clear();
  capacity_.reset();
}

void PortProber::Run(absl::Duration stalled) {
  const BootTime now = clock_.Now();
  if (!probes_ && now >= reopen_at_) {
    Open(now);
    if (carrier_ && now - listening_since_ > kComesUp) plugged_ = now;
  }
  if (probes_ && now >= carrier_at_) CheckCarrier(now);
  if (probes_) TakeFrames();
  if (lldp_) TakeLldp(now);
  Plan(now);
  if (probes_ && carrier_) AskDue(clock_.Now());
  if (probes_ && tries_left_ > 0 && clock_.Now() >= next_try_) TryCapacity(clock_.Now());
  Forget(clock_.Now(), stalled);
}

void PortProber::CheckCarrier(BootTime now) {
  carrier_at_ = now + kLookAtCarrier;
  const absl::StatusOr<bool> carrier = probes_->Carrier();
  if (!carrier.ok()) return Close();
  if (*carrier == carrier_) return;
  carrier_ = *carrier;
  // What was proved was proved of another cable.
  neighbours_.clear();
  claims_.Clear();
  capacity_.reset();
  // A port that comes up with its node was not plugged in under anybody's eyes.
  if (carrier_ && now - listening_since_ > kComesUp) plugged_ = now;
}

void PortProber::TakeFrames() {
  for (int i = 0; i < 256 && probes_; ++i) {
    auto received = probes_->Receive();
    if (!received.ok()) return Close();
    if (!*received) return;
    OnFrame(**received);
  }
}

void PortProber::TakeLldp(BootTime now) {
  for (int i = 0; i < 64; ++i) {
    auto received = lldp_->Receive();
    if (!received.ok()) return Close();
    if (!*received) return;
    const auto message = ParseLldp((*received)->payload);
    if (!message.ok()) {
      Raise(ProbeAlarm::Kind::kForged, std::string(ToStd(message.status().message())));
    } else {
      claims_.Take((*received)->source, *message, now);
    }
  }
}

namespace {

// As the controller takes it.
bool IsPortName(const std::string& port) {
  return !port.empty() && port.size() <= 63 &&
         std::ranges::all_of(port, [](char c) { return c >= ' ' && c <= '~'; });
}

ProbeNonce NonceOf(const std::string& bytes) {
  ProbeNonce nonce{};
  if (bytes.size() == nonce.size()) std::copy(bytes.begin(), bytes.end(), nonce.begin());
  return nonce;
}

std::string Text(const ProbeNonce& nonce) { return {nonce.begin(), nonce.end()}; }

}  // namespace

void PortProber::OnFrame(const ReceivedFrame& received) {
  const absl::StatusOr<probe::v1::Frame> frame = DecodeProbe(received.payload);
  if (!frame.ok())
    return Raise(ProbeAlarm::Kind::kForged, std::string(ToStd(frame.status().message())));
  if (frame->has_question()) return OnQuestion(received, frame->question());
  if (frame->has_answer()) return OnAnswer(received, frame->answer());
  if (frame->has_load()) {
    auto& [at, bytes] = loads_[NonceOf(frame->load().nonce())];
    at = received.at;
    bytes += received.payload.size() + kEthernetHeader;
    return Bound(loads_, kMostLoads);
  }
  OnProof(received, frame->proof());
}

bool PortProber::MayAnswer(BootTime now) {
  const double since = absl::ToDoubleSeconds(now - answers_at_);
  answers_left_ = std::min(kAnswersAtOnce, answers_left_ + since * kAnswersEachSecond);
  answers_at_ = now;
  if (answers_left_ < 1) return false;
  answers_left_ -= 1;
  return true;
}

void PortProber::OnQuestion(const ReceivedFrame& received, const probe::v1::Question& question) {
  const ProbeNonce nonce = NonceOf(question.nonce());
  const BootTime now = clock_.Now();
  if (shared_.asked_from.contains(nonce)) return;  // our own, from here or from another port
  if (!heard_.emplace(nonce, now).second)
    return Raise(ProbeAlarm::Kind::kReplayed, "a question that was asked before",
                 {question.node(), question.port()});
  Bound(heard_, kMostRemembered);
  if (!question.target().empty() && question.target() != shared_.node) return;
  // Only what came by that address proves that no bridge stands between.
  if (question.nearest() && received.destination != kNearestGroup)
    return Raise(ProbeAlarm::Kind::kMisplaced, "a question for the nearest that a bridge let pass",
                 {question.node(), question.port()});
  if (shared_.terms.credential.credential().empty() || !MayAnswer(now)) return;
  ProbeNonce own{};
  shared_.random(own);
  probe::v1::Frame frame;
  frame.mutable_answer()->set_nonce(question.nonce());
  frame.mutable_answer()->set_answer(Text(own));
  const absl::StatusOr<BootTime> sent = Send(received.source, frame);
  if (!sent.ok()) return;
  probe::v1::ProofWords words;
  words.set_fleet(shared_.fleet);
  words.set_nonce(question.nonce());
  words.set_answer(Text(own));
  words.set_node(shared_.node);
  words.set_port(port_);
  words.set_asker_node(question.node());
  words.set_asker_port(question.port());
  words.set_nearest(question.nearest());
  words.set_hold_ns(received.exact ? (*sent - received.at) / absl::Nanoseconds(1) : -1);
  if (const auto load = loads_.find(nonce); load != loads_.end()) {
    words.set_load_bytes(load->second.second);
    loads_.erase(load);
  }
  words.set_instance(std::string(shared_.instance.begin(), shared_.instance.end()));
  probe::v1::Frame signed_frame;
  probe::v1::Proof& proof = *signed_frame.mutable_proof();
  SignProof(shared_.identity, words, proof);
  proof.set_credential(shared_.terms.credential.credential());
  proof.set_credential_signature(shared_.terms.credential.signature());
  (void)Send(received.source, signed_frame);
}

PortProber::Question* PortProber::FindQuestion(const std::string& text, std::string_view what) {
  const ProbeNonce nonce = NonceOf(text);
  const auto it = questions_.find(nonce);
  if (it != questions_.end()) return &it->second;
  const auto other = shared_.asked_from.find(nonce);
  if (other != shared_.asked_from.end() && other->second != port_) {
    Raise(ProbeAlarm::Kind::kMisplaced,
          StrCat(what, " to a question that was asked at ", other->second));
  } else {
    Raise(ProbeAlarm::Kind::kReplayed, StrCat(what, " to a question that nobody asked"));
  }
  return nullptr;
}

void PortProber::OnAnswer(const ReceivedFrame& received, const probe::v1::Answer& answer) {
  Question* question = FindQuestion(answer.nonce(), "an answer");
  if (question == nullptr) return;
  const std::optional<BootTime> at =
      received.exact ? std::optional<BootTime>(received.at) : std::nullopt;
  if (!question->answers.emplace(NonceOf(answer.answer()), at).second)
    Raise(ProbeAlarm::Kind::kReplayed, "an answer that was given before");
  Bound(question->answers, kMostNeighbours);
}

absl::StatusOr<Credential> PortProber::CheckCredential(const probe::v1::Proof& proof) {
  const std::string key = StrCat(proof.credential(), proof.credential_signature());
  const auto known = shared_.known.find(key);
  if (known != shared_.known.end()) return known->second;
  absl::StatusOr<Credential> credential =
      VerifyCredential(shared_.lease_key, proof.credential(), proof.credential_signature());
  if (!credential.ok()) return credential;
  Bound(shared_.known, kMostKnown);
  shared_.known.emplace(key, *credential);
  return credential;
}

void PortProber::OnProof(const ReceivedFrame& received, const probe::v1::Proof& proof) {
  using enum ProbeAlarm::Kind;
  probe::v1::ProofWords words;
  if (!words.ParseFromString(proof.words()) || !IsPortName(words.port()) ||
      words.instance().size() != ProbeInstance{}.size())
    return Raise(kForged, "a proof that does not parse");
  Question* question = FindQuestion(words.nonce(), "a proof");
  if (question == nullptr) return;
  const ProbeNonce answer = NonceOf(words.answer());
  if (question->proved.contains(answer)) return Raise(kReplayed, "a proof that was given before");
  const absl::StatusOr<Credential> credential = CheckCredential(proof);
  if (!credential.ok() || credential->fleet != shared_.fleet || words.fleet() != shared_.fleet)
    return Raise(kForged, "a proof by nobody of this fleet");
  if (credential->node != words.node() || !VerifyProof(credential->identity, proof))
    return Raise(kForged, "a proof whose signature is wrong",
                 {credential->node, std::string(words.port())});
  const PortName about{words.node(), words.port()};
  if (words.asker_node() != shared_.node || words.asker_port() != port_ ||
      words.nearest() != question->nearest)
    return Raise(
        kMisplaced,
        StrCat("a proof for ", ForMessage(words.asker_node()), ":", ForMessage(words.asker_port())),
        about);
  // Without its answer nothing binds it to the box that answered.
  if (!question->answers.contains(answer))
    return Raise(kForged, "a proof without an answer", about);
  question->proved.insert(answer);
  TakeProof(received, words, *credential, *question, answer);
}

void PortProber::TakeProof(const ReceivedFrame& received, const probe::v1::ProofWords& words,
                           const Credential& credential, Question& question,
                           const ProbeNonce& answer) {
  const BootTime now = clock_.Now();
  // Too late to tell of now.
  if (now - question.asked > kAnswersUntil) return;
  const std::optional<BootTime> at = question.answers.at(answer);
  const absl::Duration hold = absl::Nanoseconds(words.hold_ns());
  const bool timed = at && hold >= absl::ZeroDuration() && *at - question.asked >= hold;
  if (question.loaded) {
    if (timed)
      TakeCapacity({words.node(), words.port()}, words.load_bytes(), *at - question.asked - hold);
    return;
  }
  Key key{{words.node(), words.port()}, question.nearest, {}};
  std::copy(words.instance().begin(), words.instance().end(), key.instance.begin());
  if (!neighbours_.contains(key) && IsCrowdedBy(words.node())) return;
  Known& known = neighbours_.try_emplace(key, Known{}).first->second;
  if (known.first.ns == 0) known.first = now;
  known.identity = credential.identity;
  known.address = received.source;
  known.last = now;
  // One that is asked for by name needs no long patience.
  const bool target = shared_.terms.targets.contains(words.node());
  const absl::Duration stands = std::max(
      kStands, kMissed * (target ? std::min(question.interval, kAskTarget) : question.interval));
  known.expires = std::max(known.expires, now + stands);
  known.window = std::max(stands, (kFewRtts + 2) * question.interval);
  if (timed) known.rtts.emplace_back(now, *at - question.asked - hold);
  LookForClones(key, now);
}

// One node alone must not fill what we remember, whatever it says it has for ports; nor all
// together, but for those that we must prove a way to.
bool PortProber::IsCrowdedBy(const std::string& node) const {
  const auto its = std::ranges::count_if(
      neighbours_, [&](const auto& entry) { return entry.first.port.node == node; });
  const bool target = shared_.terms.targets.contains(node);
  return its >= kMostOfOneNode || (!target && neighbours_.size() >= kMostNeighbours);
}

void PortProber::LookForClones(const Key& key, BootTime now) {
  if (key.port.node == shared_.node) {
    if (key.instance != shared_.instance &&
        neighbours_.at(key).identity == shared_.identity.public_key())
      Raise(ProbeAlarm::Kind::kCloned,
            StrCat("another box proves to be this node, as ", key.port.ToString()), key.port);
    return;
  }
  const Known& one = neighbours_.at(key);
  for (auto& [other, known] : neighbours_) {
    if (other.port.node != key.port.node || other.instance == key.instance ||
        known.identity != one.identity)
      continue;
    // An agent that began anew is not in two places for longer than it takes to see that.
    known.expires = std::min(known.expires, now + kStands);
    // Both have proved after the other one began.
    if (known.last - one.first < kInTurn || now - known.first < kInTurn) continue;
    Raise(ProbeAlarm::Kind::kCloned,
          StrCat("two boxes prove to be node ", key.port.node, ", as ", key.port.ToString(),
                 " and as ", other.port.ToString()),
          key.port);
  }
}

// Which questions to ask. Those of before keep their time.
void PortProber::Plan(BootTime now) {
  const size_t crowd = neighbours_.size() / 16;
  if (!askings_.empty() && planned_for_ == shared_.terms.targets && planned_crowd_ == crowd) return;
  planned_for_ = shared_.terms.targets;
  planned_crowd_ = crowd;
  std::vector<Asking> old = std::exchange(askings_, {});
  askings_.push_back({"", true, kAskNearest, now});
  askings_.push_back(
      {"", false, std::max(kAskAll, kAskAllEach * static_cast<double>(neighbours_.size())), now});
  for (const std::string& target : planned_for_)
    askings_.push_back({target, false, kAskTarget, now});
  for (Asking& asking : askings_) {
    for (const Asking& before : old) {
      if (before.target == asking.target && before.nearest == asking.nearest)
        asking.next = std::min(before.next, now + asking.interval);
    }
  }
}

void PortProber::AskDue(BootTime now) {
  for (Asking& asking : askings_) {
    if (now >= asking.next) Ask(asking, now);
  }
}

// A node that was heard is asked alone.
MacAddress PortProber::AddressFor(const Asking& asking, BootTime now) const {
  if (asking.nearest) return kNearestGroup;
  if (asking.target.empty()) return kFabricGroup;
  for (const auto& [key, known] : neighbours_) {
    // Unless it has stopped to answer there.
    if (key.port.node == asking.target && now - known.last < 3 * asking.interval)
      return known.address;
  }
  return kFabricGroup;
}

void PortProber::Ask(Asking& asking, BootTime now) {
  asking.next = now + asking.interval;
  ProbeNonce nonce{};
  shared_.random(nonce);
  probe::v1::Frame frame;
  probe::v1::Question& question = *frame.mutable_question();
  question.set_nonce(Text(nonce));
  question.set_node(shared_.node);
  question.set_port(port_);
  question.set_target(asking.target);
  question.set_nearest(asking.nearest);
  // Known before it leaves: it may come back at once, through another port.
  shared_.asked_from[nonce] = port_;
  const absl::StatusOr<BootTime> sent = Send(AddressFor(asking, now), frame);
  if (!sent.ok()) {
    shared_.asked_from.erase(nonce);
    return;
  }
  questions_[nonce] = {*sent, asking.target, asking.nearest, asking.interval, {}, {}};
}

absl::StatusOr<BootTime> PortProber::Send(const MacAddress& to, const probe::v1::Frame& frame) {
  absl::StatusOr<BootTime> sent = probes_->Send(to, EncodeProbe(frame));
  if (absl::IsNotFound(sent.status())) carrier_at_ = {};
  return sent;
}

void PortProber::Forget(BootTime now, absl::Duration stalled) {
  std::erase_if(questions_, [&](const auto& entry) {
    if (now - entry.second.asked < kRemember) return false;
    shared_.asked_from.erase(entry.first);
    return true;
  });
  std::erase_if(loads_, [&](const auto& entry) { return now - entry.second.first >= kStands; });
  // The last try has had its time.
  if (measuring_ && tries_left_ == 0 && now - next_try_ >= kTryEvery) {
    capacity_ = std::exchange(measuring_, std::nullopt);
    capacity_->number = ++measurements_;
  }
  std::erase_if(heard_, [&](const auto& entry) { return now - entry.second >= kRemember; });
  for (auto& [key, known] : neighbours_) {
    known.expires = known.expires + stalled;
    while (!known.rtts.empty() && now - known.rtts.front().first > known.window + stalled)
      known.rtts.pop_front();
  }
  ForgetNeighbours(now);
  std::erase_if(alarms_, [&](const auto& entry) { return now - entry.second.last >= kRemember; });
}

// One that no longer answers as the nearest must prove anew that it answers at all: its other
// proofs stand for longer, and would tell of a bridge where there is a cut.
void PortProber::ForgetNeighbours(BootTime now) {
  std::set<Key> lost;
  for (const auto& [key, known] : neighbours_) {
    if (key.nearest && now >= known.expires) lost.insert({key.port, false, key.instance});
  }
  std::erase_if(neighbours_, [&](const auto& entry) {
    return now >= entry.second.expires || lost.contains(entry.first);
  });
}

void PortProber::Raise(ProbeAlarm::Kind kind, std::string words, PortName about) {
  constexpr size_t kMostAlarms = 16;
  const auto key = std::pair{kind, words};
  if (!alarms_.contains(key) && alarms_.size() >= kMostAlarms) return;
  Alarm& alarm = alarms_[key];
  alarm.told.kind = kind;
  alarm.told.words = std::move(words);
  alarm.told.about = std::move(about);
  ++alarm.told.frames;
  alarm.last = clock_.Now();
}

void PortProber::Measure(BitRate speed) {
  tries_left_ = kTries;
  try_speed_ = speed;
  next_try_ = clock_.Now();
  measuring_.reset();
}

// To a neighbour that has just proved to be there, the nearest if there is one.
void PortProber::TryCapacity(BootTime now) {
  next_try_ = now + kTryEvery;
  --tries_left_;
  const std::pair<const Key, Known>* to = nullptr;
  for (const auto& entry : neighbours_) {
    if (to == nullptr || (entry.first.nearest && !to->first.nearest)) to = &entry;
  }
  if (to == nullptr) return;
  const uint64_t bytes = std::min(BytesIn(try_speed_, kTryLasts).value, kMostTryBytes);
  ProbeNonce nonce{};
  shared_.random(nonce);
  probe::v1::Frame load;
  load.mutable_load()->set_nonce(Text(nonce));
  load.mutable_load()->set_padding(std::string(kLoadPadding, 'x'));
  probe::v1::Frame frame;
  probe::v1::Question& question = *frame.mutable_question();
  question.set_nonce(Text(nonce));
  question.set_node(shared_.node);
  question.set_port(port_);
  question.set_target(to->first.port.node);
  shared_.asked_from[nonce] = port_;
  const MacAddress address = to->second.address;
  std::optional<BootTime> began;
  for (uint64_t sent = 0; sent < bytes; sent += kLoadPadding) {
    const absl::StatusOr<BootTime> at = Send(address, load);
    // What the queue does not take comes less to the other end, which counts.
    if (at.ok() && !began) began = *at;
  }
  if (!began || !Send(address, frame).ok()) return;
  questions_[nonce] = {*began, question.target(), question.nearest(), kTryEvery, {}, {}, true};
}

void PortProber::TakeCapacity(const PortName& to, uint64_t bytes, absl::Duration took) {
  if (took <= absl::ZeroDuration() || bytes == 0) return;
  const auto bps =
      static_cast<uint64_t>(static_cast<double>(bytes) * 8 / absl::ToDoubleSeconds(took));
  if (!measuring_ || bps > measuring_->rate.bps) measuring_ = {to, BitRate{bps}, 0};
}

PortWiring PortProber::Report(BootTime now) {
  PortWiring wiring;
  wiring.port = port_;
  wiring.carrier = carrier_;
  wiring.listening = now - listening_since_;
  if (plugged_) wiring.plugged = now - *plugged_;
  for (const auto& [key, known] : neighbours_) {
    if (wiring.neighbours.size() == kMostReported) break;
    Neighbour neighbour;
    neighbour.port = key.port;
    neighbour.nearest = key.nearest;
    neighbour.identity = known.identity;
    neighbour.instance = key.instance;
    for (const auto& [at, rtt] : known.rtts) {
      if (known.rtts.size() >= kFewRtts && (!neighbour.rtt || rtt < *neighbour.rtt))
        neighbour.rtt = rtt;
    }
    wiring.neighbours.push_back(std::move(neighbour));
  }
  wiring.capacity = capacity_;
  wiring.claims = claims_.Claims(now);
  for (const auto& [key, alarm] : alarms_) wiring.alarms.push_back(alarm.told);
  return wiring;
}

std::vector<int> PortProber::Descriptors() const {
  if (!probes_ || !lldp_) return {};
  return {probes_->fd(), lldp_->fd()};
}

BootTime PortProber::NextWake() const {
  if (!probes_) return reopen_at_;
  BootTime next = carrier_at_;
  if (!carrier_) return next;
  for (const Asking& asking : askings_) next = std::min(next, asking.next);
  return next;
}

}  // namespace sluice
