#include "controller/web/console_files.h"

#include <algorithm>
#include <array>

#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"
#include "base/secret.h"
#include "base/strings.h"
#include "controller/web/json_codec.h"

namespace sluice {
namespace {

constexpr std::string_view kAssets = "/assets/";
constexpr char kNonceMark[] = "__CSP_NONCE__";
constexpr char kNotBuilt[] =
    "<!doctype html><html lang=\"en\"><title>Sluice</title><p>This controller was built without "
    "its console. Build it with <code>./run build</code>; the API is at /api/openapi.json.</html>";

std::string FreshNonce() {
  std::array<uint8_t, 16> bytes{};
  RandomBytes(bytes);
  return absl::Base64Escape(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

std::string PolicyWith(const std::string& nonce) {
  return StrCat("default-src 'none'; script-src 'self'; style-src 'self' 'nonce-", nonce,
                "'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; "
                "form-action 'none'; frame-ancestors 'none'");
}

ConsoleReply Page(std::span<const EmbeddedFile> files) {
  const auto index = std::ranges::find(files, std::string_view("/index.html"), &EmbeddedFile::path);
  const std::string nonce = FreshNonce();
  ConsoleReply reply;
  reply.type = "text/html; charset=utf-8";
  reply.headers = {{"Content-Security-Policy", PolicyWith(nonce)}};
  reply.body =
      index == files.end()
          ? kNotBuilt
          : absl::StrReplaceAll(
                absl::string_view(index->begin, static_cast<size_t>(index->end - index->begin)),
                {{kNonceMark, nonce}});
  return reply;
}

}  // namespace

bool IsConsolePath(std::string_view path) {
  const auto is_below = [&](std::string_view root) {
    return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
  };
  return path.starts_with('/') && !is_below("/api") && !is_below("/metrics") &&
         !is_below("/healthz") && !is_below("/readyz");
}

ConsoleReply ConsoleFile(std::string_view path, std::span<const EmbeddedFile> files) {
  const auto file = std::ranges::find(files, path, &EmbeddedFile::path);
  if (file == files.end() && path.starts_with(kAssets))
    return {404,
            EncodeError("not_found", "the console has no such file; load the page anew"),
            "application/json",
            {}};
  if (file == files.end() || path == "/index.html") return Page(files);
  ConsoleReply reply;
  reply.type = file->type;
  reply.body.assign(file->begin, file->end);
  // The name changes with what is in it.
  if (path.starts_with(kAssets))
    reply.headers = {{"Cache-Control", "public, max-age=31536000, immutable"}};
  return reply;
}

}  // namespace sluice
