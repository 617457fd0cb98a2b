#include "agent/probe/port_prober.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "model/names.h"
#include "wire/probe_frame.h"

namespace sluice {
namespace {

constexpr absl::Duration kReopen = absl::Milliseconds(250);
constexpr absl::Duration kLookAtCarrier = absl::Milliseconds(50);
constexpr absl::Duration kLookAtWhatIsOver = absl::Milliseconds(50);
constexpr absl::Duration kComesUp = absl::Milliseconds(1500);
constexpr absl::Duration kAnswersUntil = absl::Seconds(1);
constexpr absl::Duration kLoadWaits = absl::Seconds(1);
constexpr absl::Duration kRemember = absl::Seconds(10);
constexpr size_t kMostRemembered = 8192;
constexpr size_t kMostKnown = 4096;
constexpr size_t kMostReplies = 800;
constexpr size_t kMostLoads = 64;
// Proofs that are worth signing: what asks for more is no neighbour. A target asks five times a
// second from each of its ports here.
constexpr double kAnswersEachSecond = 500;
constexpr double kAnswersEachPlace = 8;
constexpr double kMostAnswersEachSecond = 5000;
constexpr double kAnswersSeconds = 0.4;  // worth of them at once
// How many of a question's replies are entitled to be verified: one who is asked is expected
// to answer; where all are, many.
constexpr size_t kHeardOfOne = 2;
constexpr size_t kHeardOfAll = 32;
constexpr double kFailuresEachSecond = 50;

// As the controller takes it.
bool IsPortName(const std::string& port) {
  return !port.empty() && port.size() <= 63 &&
         std::ranges::all_of(port, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

PortProber::PortProber(std::string port, ProbeShared& shared, const Clock& clock,
                       PacketPorts& packets)
    : port_(std::move(port)),
      shared_(shared),
      clock_(clock),
      packets_(packets),
      listening_since_(clock.Now()),
      questions_(kMostRemembered),
      heard_(kMostRemembered),
      loads_(kMostLoads),
      answers_(kAnswersEachSecond, kAnswersEachSecond * kAnswersSeconds, clock.Now()),
      failures_(kFailuresEachSecond, kFailuresEachSecond, clock.Now()) {
  Open(clock.Now());
}

void PortProber::Open(BootTime now) {
  reopen_at_ = now + kReopen;
  auto probes = packets_.Open(port_, kProbeEtherType, {kNearestGroup, kFabricGroup});
  auto lldp =
      packets_.Open(port_, kLldpEtherType, {std::begin(kLldpGroups), std::end(kLldpGroups)});
  // Where there is no device nothing passes; where we cannot look, everything may.
  blind_ = !probes.ok() ? !absl::IsNotFound(probes.status())
                        : !lldp.ok() && !absl::IsNotFound(lldp.status());
  if (!probes.ok() || !lldp.ok()) return;
  probes_ = *std::move(probes);
  lldp_ = *std::move(lldp);
  const auto carrier = probes_->Carrier();
  carrier_ = carrier.ok() && *carrier;
  changed_ = true;
}

void PortProber::Close() {
  probes_.reset();
  lldp_.reset();
  carrier_ = false;
  blind_ = true;
  Unplug();
}

// What was proved was proved of another cable.
void PortProber::Unplug() {
  neighbours_.Clear();
  claims_.Clear();
  capacity_.Clear();
  changed_ = true;
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
  if (probes_ && capacity_.Due(clock_.Now())) TryCapacity(clock_.Now());
  Forget(clock_.Now(), stalled);
}

void PortProber::CheckCarrier(BootTime now) {
  carrier_at_ = now + kLookAtCarrier;
  const absl::StatusOr<bool> carrier = probes_->Carrier();
  if (!carrier.ok()) return Close();
  if (*carrier == carrier_) return;
  carrier_ = *carrier;
  Unplug();
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
    changed_ = true;
    const auto message = ParseLldp((*received)->payload);
    if (!message.ok()) {
      Raise(ProbeAlarm::Kind::kForged, std::string(ToStd(message.status().message())));
    } else {
      claims_.Take((*received)->source, *message, now);
    }
  }
}

void PortProber::OnFrame(const ReceivedFrame& received) {
  const absl::StatusOr<probe::v1::Frame> frame = DecodeProbe(received.payload);
  if (!frame.ok())
    return Raise(ProbeAlarm::Kind::kForged, std::string(ToStd(frame.status().message())));
  if (frame->has_question()) return OnQuestion(received, frame->question());
  if (frame->has_answer()) return OnAnswer(received, frame->answer());
  if (frame->has_load()) return OnLoad(received, frame->load());
  OnProof(received, frame->proof());
}

void PortProber::OnLoad(const ReceivedFrame& received, const probe::v1::Load& load) {
  const ProbeNonce nonce = NonceOf(load.nonce());
  loads_.Add(nonce, 0, clock_.Now());
  *loads_.Find(nonce) += received.payload.size() + kEthernetHeader;
}

void PortProber::OnQuestion(const ReceivedFrame& received, const probe::v1::Question& question) {
  const ProbeNonce nonce = NonceOf(question.nonce());
  const BootTime now = clock_.Now();
  // Our own, from here or from another port.
  if (shared_.asked_from.Find(nonce) != nullptr) return;
  if (heard_.Add(nonce, true, now) == nullptr)
    return Raise(ProbeAlarm::Kind::kReplayed, "a question that was asked before",
                 {question.node(), question.port()});
  if (!question.target().empty() && question.target() != shared_.node) return;
  // Only what came by that address proves that no bridge stands between.
  if (question.nearest() && received.destination != kNearestGroup)
    return Raise(ProbeAlarm::Kind::kMisplaced, "a question for the nearest that a bridge let pass",
                 {question.node(), question.port()});
  if (!shared_.terms.credential.credential().empty() && answers_.Take(now))
    AnswerTo(received, question);
  if (question.target().empty()) return;
  if (const auto asking = plan_.AskBack(question.node(), now)) Ask(*asking, received.source);
}

void PortProber::AnswerTo(const ReceivedFrame& received, const probe::v1::Question& question) {
  ProbeNonce own{};
  shared_.random(own);
  probe::v1::Frame frame;
  frame.mutable_answer()->set_nonce(question.nonce());
  frame.mutable_answer()->set_answer(NonceText(own));
  const absl::StatusOr<BootTime> sent = Send(received.source, frame);
  if (!sent.ok()) return;
  probe::v1::ProofWords words;
  words.set_fleet(shared_.fleet);
  words.set_nonce(question.nonce());
  words.set_answer(NonceText(own));
  words.set_node(shared_.node);
  words.set_port(port_);
  words.set_asker_node(question.node());
  words.set_asker_port(question.port());
  words.set_nearest(question.nearest());
  words.set_hold_ns(received.exact ? (*sent - received.at) / absl::Nanoseconds(1) : -1);
  if (const uint64_t* load = loads_.Find(NonceOf(question.nonce()))) words.set_load_bytes(*load);
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
  if (Question* question = questions_.Find(nonce)) return question;
  const std::string* other = shared_.asked_from.Find(nonce);
  if (other != nullptr && *other != port_) {
    Raise(ProbeAlarm::Kind::kMisplaced, StrCat(what, " to a question that was asked at ", *other));
  } else {
    Raise(ProbeAlarm::Kind::kReplayed, StrCat(what, " to a question that nobody asked"));
  }
  return nullptr;
}

void PortProber::OnAnswer(const ReceivedFrame& received, const probe::v1::Answer& answer) {
  using enum ProbeAlarm::Kind;
  Question* question = FindQuestion(answer.nonce(), "an answer");
  if (question == nullptr) return;
  const ProbeNonce own = NonceOf(answer.answer());
  if (question->replies.contains(own)) return Raise(kReplayed, "an answer that was given before");
  // The first count: a flood must not make us forget those who answered before it.
  const size_t before = question->replies.size();
  const bool all = question->target.empty() && !question->nearest;
  if (before >= kMostReplies)
    return all ? void() : Raise(kForged, "more answers than there are neighbours");
  Reply& reply = question->replies[own];
  if (received.exact) reply.at = received.at;
  reply.entitled = before < (all ? kHeardOfAll : kHeardOfOne);
}

absl::StatusOr<Credential> PortProber::CheckCredential(const probe::v1::Proof& proof) {
  const std::string key = StrCat(proof.credential(), proof.credential_signature());
  const auto known = shared_.known.find(key);
  if (known != shared_.known.end()) return known->second;
  absl::StatusOr<Credential> credential =
      VerifyCredential(shared_.lease_key, proof.credential(), proof.credential_signature());
  if (!credential.ok()) return credential;
  if (shared_.known.size() >= kMostKnown) shared_.known.erase(shared_.known.begin());
  shared_.known.emplace(key, *credential);
  return credential;
}

PortProber::Reply* PortProber::FindReply(Question& question, const probe::v1::ProofWords& words) {
  using enum ProbeAlarm::Kind;
  const auto it = question.replies.find(NonceOf(words.answer()));
  // Without its answer nothing binds it to the box that answered.
  if (it == question.replies.end()) {
    Raise(kForged, "a proof without an answer");
    return nullptr;
  }
  Reply& reply = it->second;
  if (reply.proved) {
    Raise(kReplayed, "a proof that was given before");
    return nullptr;
  }
  // Too late to tell of now.
  if (clock_.Now() - question.asked > kAnswersUntil) return nullptr;
  if (words.asker_node() != shared_.node || words.asker_port() != port_ ||
      words.nearest() != question.nearest) {
    Raise(kMisplaced, StrCat("a proof for ", ForMessage(words.asker_node()), ":",
                             ForMessage(words.asker_port())));
    return nullptr;
  }
  return &reply;
}

std::optional<Credential> PortProber::Verify(const probe::v1::Proof& proof,
                                             const probe::v1::ProofWords& words) {
  using enum ProbeAlarm::Kind;
  const absl::StatusOr<Credential> credential = CheckCredential(proof);
  if (!credential.ok() || credential->fleet != shared_.fleet || words.fleet() != shared_.fleet) {
    Raise(kForged, "a proof by nobody of this fleet");
    return std::nullopt;
  }
  if (credential->node != words.node() || !VerifyProof(credential->identity, proof)) {
    Raise(kForged, "a proof whose signature is wrong",
          {credential->node, std::string(words.port())});
    return std::nullopt;
  }
  return *credential;
}

void PortProber::OnProof(const ReceivedFrame& received, const probe::v1::Proof& proof) {
  using enum ProbeAlarm::Kind;
  probe::v1::ProofWords words;
  if (!words.ParseFromString(proof.words()) || !IsPortName(words.port()) ||
      words.instance().size() != ProbeInstance{}.size())
    return Raise(kForged, "a proof that does not parse");
  Question* question = FindQuestion(words.nonce(), "a proof");
  if (question == nullptr) return;
  Reply* reply = FindReply(*question, words);
  if (reply == nullptr) return;
  const bool entitled = std::exchange(reply->entitled, false);
  if (!entitled && !failures_.Take(clock_.Now()))
    return Raise(kForged, "more wrong proofs than are worth reading");
  const std::optional<Credential> credential = Verify(proof, words);
  if (!credential) return;
  if (!entitled) failures_.GiveBack();
  reply->proved = true;
  TakeProof(received, words, *credential, *question, *reply);
}

void PortProber::TakeProof(const ReceivedFrame& received, const probe::v1::ProofWords& words,
                           const Credential& credential, const Question& question,
                           const Reply& reply) {
  const BootTime now = clock_.Now();
  NeighbourTable::Proof proof;
  proof.port = {words.node(), words.port()};
  if (question.load) {
    if (reply.at) capacity_.Take(proof.port, words.load_bytes(), *question.load, *reply.at);
    return;
  }
  proof.nearest = question.nearest;
  std::copy(words.instance().begin(), words.instance().end(), proof.instance.begin());
  proof.identity = credential.identity;
  proof.address = received.source;
  const absl::Duration hold = absl::Nanoseconds(words.hold_ns());
  if (reply.at && hold >= absl::ZeroDuration() && *reply.at - question.asked >= hold)
    proof.rtt = *reply.at - question.asked - hold;
  proof.wanted = shared_.terms.targets.contains(words.node());
  proof.interval = question.interval;
  // One that is asked for by name will be asked again by then, whatever it has answered now.
  proof.patience = proof.wanted && !proof.nearest ? plan_.target_interval() : question.interval;
  const std::vector<PortName> clones = neighbours_.Take(proof, now);
  if (words.node() == shared_.node) return LookForOurself(proof);
  for (const PortName& clone : clones)
    Raise(ProbeAlarm::Kind::kCloned,
          StrCat("two boxes prove to be node ", words.node(), ", as ", proof.port.ToString(),
                 " and as ", clone.ToString()),
          proof.port);
}

void PortProber::LookForOurself(const NeighbourTable::Proof& proof) {
  if (proof.instance == shared_.instance || proof.identity != shared_.identity.public_key()) return;
  Raise(ProbeAlarm::Kind::kCloned,
        StrCat("another box proves to be this node, as ", proof.port.ToString()), proof.port);
}

void PortProber::Plan(BootTime now) {
  plan_.Update(shared_.terms_number, shared_.terms.targets, neighbours_, now);
  const double answers = std::clamp(static_cast<double>(plan_.places()) * kAnswersEachPlace,
                                    kAnswersEachSecond, kMostAnswersEachSecond);
  answers_.Resize(answers, answers * kAnswersSeconds);
}

void PortProber::AskDue(BootTime now) {
  for (const Asking& asking : plan_.Due(now)) {
    if (asking.nearest) {
      Ask(asking, kNearestGroup);
      continue;
    }
    // Those who were heard are asked alone, each with a nonce of its own: a common one would
    // time the later ones from before their questions left.
    std::vector<MacAddress> addresses;
    if (!asking.target.empty())
      addresses = neighbours_.AddressesOf(asking.target, asking.interval, now);
    if (addresses.empty()) addresses.push_back(kFabricGroup);
    for (const MacAddress& address : addresses) Ask(asking, address);
  }
}

ProbeNonce PortProber::NewNonce() {
  ProbeNonce nonce{};
  shared_.random(nonce);
  // Known before it leaves: it may come back at once, through another port.
  shared_.asked_from.Add(nonce, port_, clock_.Now());
  return nonce;
}

probe::v1::Frame PortProber::MakeQuestion(const ProbeNonce& nonce, const std::string& target,
                                          bool nearest) {
  probe::v1::Frame frame;
  probe::v1::Question& question = *frame.mutable_question();
  question.set_nonce(NonceText(nonce));
  question.set_node(shared_.node);
  question.set_port(port_);
  question.set_target(target);
  question.set_nearest(nearest);
  return frame;
}

void PortProber::Ask(const Asking& asking, const MacAddress& to) {
  const ProbeNonce nonce = NewNonce();
  const absl::StatusOr<BootTime> sent =
      Send(to, MakeQuestion(nonce, asking.target, asking.nearest));
  if (!sent.ok()) return;
  questions_.Add(nonce, {*sent, asking.target, asking.nearest, asking.interval}, clock_.Now());
}

absl::StatusOr<BootTime> PortProber::Send(const MacAddress& to, const probe::v1::Frame& frame) {
  absl::StatusOr<BootTime> sent = probes_->Send(to, EncodeProbe(frame));
  if (absl::IsNotFound(sent.status())) carrier_at_ = {};
  return sent;
}

// To a neighbour that has just proved to be there, the nearest if there is one.
void PortProber::TryCapacity(BootTime now) {
  const uint64_t bytes = capacity_.Try(now);
  const auto to = neighbours_.Closest();
  if (!to) return;
  const auto& [port, address] = *to;
  const ProbeNonce nonce = NewNonce();
  auto load = CapacityCheck::SendLoad(*probes_, address, nonce, bytes);
  if (!load) return;
  const absl::StatusOr<BootTime> sent =
      Send(address, MakeQuestion(nonce, port.node, /*nearest=*/false));
  if (!sent.ok()) return;
  load->asked = *sent;
  questions_.Add(nonce, {load->began, port.node, false, absl::ZeroDuration(), load}, clock_.Now());
}

void PortProber::Forget(BootTime now, absl::Duration stalled) {
  if (now < forget_at_ && stalled == absl::ZeroDuration()) return;
  forget_at_ = now + kLookAtWhatIsOver;
  const BootTime remembered = now + -kRemember;
  questions_.ForgetUntil(remembered);
  shared_.asked_from.ForgetUntil(remembered);
  heard_.ForgetUntil(remembered);
  loads_.ForgetUntil(now + -kLoadWaits);
  if (capacity_.Finish(now)) changed_ = true;
  neighbours_.Forget(stalled, now);
  alarms_.Forget(kRemember, now);
}

void PortProber::Raise(ProbeAlarm::Kind kind, std::string words, PortName about) {
  if (alarms_.Raise(kind, std::move(words), std::move(about), clock_.Now())) changed_ = true;
}

bool PortProber::TakeChange() {
  const uint64_t changes = neighbours_.changes();
  const bool came_or_went = std::exchange(changes_seen_, changes) != changes;
  return std::exchange(changed_, false) || came_or_went;
}

PortWiring PortProber::Report(BootTime now) {
  PortWiring wiring;
  wiring.port = port_;
  wiring.carrier = carrier_ || blind_;
  wiring.listening = now - listening_since_;
  if (plugged_) wiring.plugged = now - *plugged_;
  wiring.neighbours = neighbours_.Told(now);
  wiring.capacity = capacity_.result();
  wiring.claims = claims_.Claims(now);
  wiring.alarms = alarms_.Told();
  return wiring;
}

std::vector<int> PortProber::Descriptors() const {
  if (!probes_ || !lldp_) return {};
  return {probes_->fd(), lldp_->fd()};
}

BootTime PortProber::NextWake() const {
  if (!probes_) return reopen_at_;
  return carrier_ ? std::min(carrier_at_, plan_.Next()) : carrier_at_;
}

}  // namespace sluice
