#include "server/notify.hpp"

#include "server/net/address.hpp"

#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace sluice::server {

void notify_system(std::string_view state) {
    const char* const path = std::getenv("NOTIFY_SOCKET");
    if (path == nullptr || *path == '\0') return;
    auto address = net::unix_address(path);
    if (!address) return;
    if (*path == '@') {
        // An abstract name begins with a zero byte and has no end mark.
        reinterpret_cast<sockaddr_un*>(&address->storage)->sun_path[0] = '\0';
        --address->size;
    }
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, address->get(), address->size);
    ::close(fd);
}

}  // namespace sluice::server
