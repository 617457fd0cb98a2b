// Who may ask. Pure, but for the token it keeps.
#ifndef SLUICE_CONTROLLER_WEB_REQUEST_GUARD_H_
#define SLUICE_CONTROLLER_WEB_REQUEST_GUARD_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice {

// Whether a Host header names this machine's loopback: localhost, 127.0.0.0/8 or
// [::1], with or without a port. A page from elsewhere that has its own name
// point to 127.0.0.1 (DNS rebinding) still sends that name.
bool IsLoopbackHost(std::string_view host);

// Knows a token by its SHA-256 only.
class TokenCheck {
 public:
  explicit TokenCheck(std::string_view token);
  // Whether an Authorization header is "Bearer TOKEN". The time it takes tells
  // nothing about the token.
  bool Allows(std::string_view authorization) const;

 private:
  std::array<uint8_t, 32> digest_;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_WEB_REQUEST_GUARD_H_
