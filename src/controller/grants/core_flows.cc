// What nodes' fabric ports carried, against what gates and leases account for.
#include <utility>

#include "base/strings.h"
#include "controller/grants/core_impl.h"

namespace sluice {
namespace {

std::string FlowWords(const std::string& node, const FlowFinding& finding) {
  const std::string carried = FormatShort(finding.carried);
  const std::string accounted = FormatShort(finding.accounted);
  const std::string window = FormatExact(absl::Trunc(finding.window, absl::Seconds(1)));
  const std::string port = finding.ports.empty() ? "" : finding.ports.front();
  switch (finding.kind) {
    case FlowFinding::Kind::kUnseenRx:
      return StrCat(node, ":", port, " received ", carried, " in ", window, ", and the gate saw ",
                    accounted, " of it: something on the node takes frames before the gate");
    case FlowFinding::Kind::kUnseenTx:
      return StrCat(node, ":", port, " sent ", carried, " in ", window, ", and the gate passed ",
                    accounted, " of it: something on the node bypasses the gate");
    case FlowFinding::Kind::kUnleased:
      return StrCat(node, " sent ", carried, " through its link tunnel in ", window,
                    ", and its leases account for ", accounted,
                    ": something on the node uses the tunnel without a lease");
  }
  return "";
}

}  // namespace

// Called before the report takes the place of the last one.
void CoreImpl::CountAdmitted(Node& node, const End& sender, const LinkReport& report) {
  Traffic before;
  if (sender.report) before = {sender.report->admitted.value, sender.report->admitted_packets};
  const bool anew =
      report.admitted.value < before.bytes || report.admitted_packets < before.packets;
  if (anew) before = {};
  node.admitted.bytes += report.admitted.value - before.bytes;
  node.admitted.packets += report.admitted_packets - before.packets;
}

void CoreImpl::TakeFlow(Node& node, std::vector<PortCounts> ports) {
  if (ports.empty()) return;
  FlowSample sample{clock_.Now(), std::move(ports), node.admitted, node.links.size()};
  if (node.flow.Take(std::move(sample))) findings_due_ = true;
}

void CoreImpl::ForgetFlow(Node& node) {
  findings_due_ |= !node.flow.Findings().empty();
  node.flow = {};
}

void CoreImpl::AddFlowFindings(BootTime now, std::vector<Finding>& findings) const {
  for (const auto& [name, node] : nodes_) {
    for (const FlowFinding& flow : node.flow.Findings()) {
      Finding& finding = findings.emplace_back();
      finding.verdict = kUnaccounted;
      finding.text = FlowWords(name, flow);
      for (const std::string& port : flow.ports) finding.ports.push_back(StrCat(name, ":", port));
      finding.since = now - flow.since;
    }
  }
}

}  // namespace sluice
