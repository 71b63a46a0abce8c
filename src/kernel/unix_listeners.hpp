// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether a socket in the filesystem is listened at, asked of the kernel (sock_diag(7)): to connect would start what a
// service manager has put behind it.
#pragma once

#include <filesystem>

namespace machinist {

// Of this network namespace's sockets. By the file itself: the same path in another mount namespace is another socket.
// False if there is no file. Throws Failure where the kernel does not tell.
bool is_listened_at(const std::filesystem::path& path);

} // namespace machinist
