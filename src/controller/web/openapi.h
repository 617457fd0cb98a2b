// The API's description, docs/openapi.json, as built into the program.
#ifndef SLUICE_CONTROLLER_WEB_OPENAPI_H_
#define SLUICE_CONTROLLER_WEB_OPENAPI_H_

#include <string_view>

namespace sluice {

extern const std::string_view kOpenApi;

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_WEB_OPENAPI_H_
