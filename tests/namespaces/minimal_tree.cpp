// SPDX-License-Identifier: LGPL-2.1-or-later
#include "namespaces/minimal_tree.hpp"

#include "base/unique_fd.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace machinist::test {

Workplace::Workplace() {
    std::string pattern = "/tmp/machinist-test.XXXXXX";
    if (!::mkdtemp(pattern.data()))
        throw std::runtime_error{"no directory for a test"};
    path_ = pattern;
    // The users of a machine pass through here.
    ::chmod(path_.c_str(), 0755);
}

Workplace::~Workplace() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

Path Workplace::directory(const Path& name, mode_t mode) const {
    const Path made = path_ / name.relative_path();
    fs::create_directories(made);
    ::chmod(made.c_str(), mode);
    return made;
}

Path Workplace::file(const Path& name, std::string_view text, mode_t mode) const {
    const Path made = path_ / name.relative_path();
    fs::create_directories(made.parent_path());
    std::ofstream{made, std::ios::binary | std::ios::trunc} << text;
    ::chmod(made.c_str(), mode);
    return made;
}

MinimalTree::MinimalTree() {
    workplace_.directory("tree");
    for (const char* name : {"usr/lib/systemd", "etc", "var", "proc", "sys", "dev", "run", "root"})
        directory(name);
    directory("tmp", 01777);
    const Path probe = path() / "probe", init = path() / "usr/lib/systemd/systemd";
    fs::copy_file(PROBE_PROGRAM, probe);
    ::chmod(probe.c_str(), 0755);
    fs::create_hard_link(probe, init);
    file("usr/lib/os-release", "ID=minimal\nNAME=Minimal\nVERSION_ID=1\n");
    file("etc/passwd", "root:x:0:0:root:/root:/probe\nperson:x:1000:1000::/home/person:/probe\n"
                       "nobody:x:65534:65534::/:/probe\n");
    file("etc/group", "root:x:0:\nperson:x:1000:\nfriends:x:1001:person,other\nnogroup:x:65534:\n");
}

Path MinimalTree::file(const Path& name, std::string_view text, mode_t mode) const {
    return workplace_.file("tree" / name.relative_path(), text, mode);
}
Path MinimalTree::directory(const Path& name, mode_t mode) const {
    return workplace_.directory("tree" / name.relative_path(), mode);
}
std::string MinimalTree::read(const Path& name) const {
    return text_of(path() / name.relative_path());
}
bool MinimalTree::has(const Path& name) const {
    return fs::exists(fs::symlink_status(path() / name.relative_path()));
}

std::string text_of(const Path& file) {
    // Not by a stream: reading a file of /proc whose process ends meanwhile is no reason to throw.
    std::string text;
    const UniqueFd descriptor{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    char bytes[65536];
    for (ssize_t size = 0; descriptor && (size = ::read(descriptor.get(), bytes, sizeof bytes)) > 0;)
        text.append(bytes, static_cast<std::size_t>(size));
    return text;
}

} // namespace machinist::test
