#include "controller/web/metrics.h"

#include <functional>
#include <type_traits>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/strings.h"
#include "controller/web/json_values.h"

namespace sluice {
namespace {

// Backslash, quote and line feed are escaped.
std::string LabelValue(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string Label(std::string_view name, std::string_view value) {
  return StrCat(name, "=\"", LabelValue(value), "\"");
}

// Families in the order in which they are begun, each with its samples.
class MetricsWriter {
 public:
  // `name` without the counter's _total.
  void Family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = type == "counter" ? StrCat(name, "_total")
            : type == "info"  ? StrCat(name, "_info")
                              : std::string(name);
    absl::StrAppend(&out_, "# TYPE ", ToAbsl(name), " ", ToAbsl(type), "\n# HELP ", ToAbsl(name),
                    " ", ToAbsl(help), "\n");
  }
  template <typename T>
  void Sample(const std::string& labels, T value) {
    out_ += name_;
    if (!labels.empty()) absl::StrAppend(&out_, "{", labels, "}");
    // The usual six digits would make steps of megabytes of a terabyte.
    if constexpr (std::is_floating_point_v<T>)
      absl::StrAppend(&out_, " ", absl::StrFormat("%.15g", value), "\n");
    else
      absl::StrAppend(&out_, " ", value, "\n");
  }
  std::string Finish() && { return std::move(out_) + "# EOF\n"; }

 private:
  std::string out_;
  std::string name_;
};

void AddController(const MetricsView& view, MetricsWriter& out) {
  out.Family("sluice_controller", "info", "Which controller this is.");
  out.Sample(StrCat(Label("fleet", view.fleet), ",", Label("version", view.version)), 1);
  out.Family("sluice_store_ok", "gauge", "Whether the ledger could be written last time.");
  out.Sample("", view.controller.store.ok() ? 1 : 0);
  out.Family("sluice_ledger_time_seconds", "gauge", "The ledger's own time.");
  out.Sample("", absl::ToDoubleSeconds(view.controller.ledger_time));
  out.Family("sluice_last_event", "gauge", "The id of the newest event.");
  out.Sample("", view.last_event);
  out.Family("sluice_plan_version", "gauge", "The plan's version; 0 without one.");
  out.Sample("", view.controller.plan_version);
  out.Family("sluice_wiring_findings", "gauge", "Findings about the wiring.");
  out.Sample("", view.controller.findings);
  out.Family("sluice_wires", "gauge", "Cables of the plan, by verdict.");
  for (int verdict = 0; verdict < kWireVerdicts; ++verdict)
    out.Sample(Label("verdict", VerdictName(static_cast<WireVerdict>(verdict))),
               view.controller.wires[static_cast<size_t>(verdict)]);
}

void AddNodes(const MetricsView& view, MetricsWriter& out) {
  const auto family = [&](std::string_view name, std::string_view help,
                          const std::function<void(const NodeView&, const std::string&)>& each) {
    out.Family(name, "gauge", help);
    for (const NodeView& node : view.nodes)
      each(node, StrCat(Label("node", node.name), ",", Label("enclosure", node.enclosure)));
  };
  family("sluice_node_online", "Whether the node is connected and not tampered with.",
         [&](const NodeView& node, const std::string& labels) {
           out.Sample(labels, node.state == NodeView::State::kOnline ? 1 : 0);
         });
  family("sluice_node_tampered", "Whether the node was tampered with and not readmitted.",
         [&](const NodeView& node, const std::string& labels) {
           out.Sample(labels, node.tamper ? 1 : 0);
         });
  family("sluice_node_dark", "Whether the node has been silent for too long.",
         [&](const NodeView& node, const std::string& labels) {
           out.Sample(labels, node.dark ? 1 : 0);
         });
  family("sluice_node_heartbeat_age_seconds", "Since anything was heard from the node.",
         [&](const NodeView& node, const std::string& labels) {
           if (node.heartbeat_age) out.Sample(labels, absl::ToDoubleSeconds(*node.heartbeat_age));
         });
  family("sluice_node_faults", "Faults that the node reports.",
         [&](const NodeView& node, const std::string& labels) {
           out.Sample(labels, node.faults.size());
         });
}

class LinkMetrics {
 public:
  LinkMetrics(const std::vector<LinkView>& links, MetricsWriter& out) : links_(links), out_(out) {}

  void Add() {
    Gauge("sluice_link_open", "Whether the link may carry traffic.",
          [](const LinkView& l) { return l.state == LinkView::State::kOpen ? 1.0 : 0.0; });
    Gauge("sluice_link_leased_rate_bits_per_second", "Of the lease in force.",
          [](const LinkView& l) { return static_cast<double>(l.leased_rate.bps); });
    Gauge("sluice_link_volume_used_bytes", "Used of the link's own quota.",
          [](const LinkView& l) { return static_cast<double>(l.used.value); });
    Gauge("sluice_link_volume_left_bytes", "Left of the link's own quota.",
          [](const LinkView& l) { return static_cast<double>(l.left.value); });
    Gauge(
        "sluice_link_lease_expires_seconds", "Until the lease in force ends; 0 without one.",
        [](const LinkView& l) { return l.expires_in ? absl::ToDoubleSeconds(*l.expires_in) : 0; });
    Gauge("sluice_link_mismatch", "Whether both ends count differently.",
          [](const LinkView& l) { return l.mismatch ? 1.0 : 0.0; });
    Gauge("sluice_link_key_epoch", "Newest epoch of the link's keys; 0 without one.",
          [](const LinkView& l) { return l.key ? static_cast<double>(l.key->epoch) : 0; });
    Ends("sluice_link_sent", "by the sender's gate", &LinkView::sender);
    Ends("sluice_link_received", "by the receiver's gate", &LinkView::receiver);
    Refused();
  }

 private:
  static std::string Labels(const LinkView& link) {
    return StrCat(Label("link", link.link.ToString()), ",", Label("src", link.link.src), ",",
                  Label("dst", link.link.dst));
  }
  void Gauge(std::string_view name, std::string_view help, double (*value)(const LinkView&)) {
    out_.Family(name, "gauge", help);
    for (const LinkView& link : links_) out_.Sample(Labels(link), value(link));
  }
  void Ends(std::string_view name, std::string_view by, std::optional<EndView> LinkView::*end) {
    out_.Family(StrCat(name, "_bytes"), "counter", StrCat("Admitted ", by, "."));
    for (const LinkView& link : links_)
      if (link.*end) out_.Sample(Labels(link), (link.*end)->bytes);
    out_.Family(StrCat(name, "_packets"), "counter", StrCat("Admitted ", by, "."));
    for (const LinkView& link : links_)
      if (link.*end) out_.Sample(Labels(link), (link.*end)->packets);
  }
  void Refused() {
    out_.Family("sluice_link_refused_packets", "counter",
                "Refused by the gates of both ends; reasons without any are left out.");
    for (const LinkView& link : links_) {
      for (size_t i = 0; i < link.drops.size(); ++i) {
        if (link.drops[i].packets == 0) continue;
        const auto reason = DropReasonName(static_cast<sluice_drop_reason>(i));
        out_.Sample(StrCat(Labels(link), ",", Label("reason", reason)), link.drops[i].packets);
      }
    }
  }

  const std::vector<LinkView>& links_;
  MetricsWriter& out_;
};

void AddQuotas(const MetricsView& view, MetricsWriter& out) {
  const auto family = [&](std::string_view name, std::string_view help,
                          uint64_t (*value)(const QuotaView&)) {
    out.Family(name, "gauge", help);
    for (const QuotaView& quota : view.quotas)
      out.Sample(StrCat(Label("scope", quota.quota.scope.ToString()), ",",
                        Label("kind", KindName(quota.quota.scope.kind))),
                 value(quota));
  };
  family("sluice_quota_rate_bits_per_second", "What the quota allows.",
         [](const QuotaView& q) { return q.quota.rate.bps; });
  family("sluice_quota_leased_rate_bits_per_second", "Of leases in force.",
         [](const QuotaView& q) { return q.leased_rate.bps; });
  family("sluice_quota_volume_bytes", "What the quota allows in a window, or in all.",
         [](const QuotaView& q) { return q.quota.volume.value; });
  family("sluice_quota_used_bytes", "Used in this window, or in all.",
         [](const QuotaView& q) { return q.used.value; });
  family("sluice_quota_outstanding_bytes", "Granted and not yet reported as used.",
         [](const QuotaView& q) { return q.outstanding.value; });
}

}  // namespace

std::string EncodeMetrics(const MetricsView& view) {
  MetricsWriter out;
  AddController(view, out);
  AddNodes(view, out);
  LinkMetrics(view.links, out).Add();
  AddQuotas(view, out);
  return std::move(out).Finish();
}

}  // namespace sluice
