// SPDX-License-Identifier: LGPL-2.1-or-later
// Sockets: which may be opened, what the manager is told through one, which links there are.
#include "answer.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// FAMILY TYPE PROTOCOL, as numbers
static void socket_verb(int count, char** arguments) {
    int protocol = count > 2 ? atoi(arguments[2]) : 0;
    int descriptor =
        socket(atoi(arguments[0]), (count > 1 ? atoi(arguments[1]) : SOCK_STREAM) | SOCK_CLOEXEC, protocol);
    say_result(descriptor);
    if (descriptor >= 0)
        close(descriptor);
}

static int address_of(const char* path, struct sockaddr_un* address) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address->sun_path, path);
    return 0;
}

// TEXT: one datagram to $NOTIFY_SOCKET
static void notify_verb(int count, char** arguments) {
    (void)count;
    const char* path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (!path) {
        say("!no-notify-socket");
    } else if (descriptor < 0 || address_of(path, &address) < 0) {
        say_errno();
    } else {
        say_result(sendto(descriptor, arguments[0], strlen(arguments[0]), MSG_NOSIGNAL, (struct sockaddr*)&address,
                          sizeof address));
    }
    if (descriptor >= 0)
        close(descriptor);
}

// NUMBER: a datagram with so many descriptors that nobody asked for
static void notify_with_descriptors_verb(int count, char** arguments) {
    (void)count;
    const char* path = getenv("NOTIFY_SOCKET");
    int number = atoi(arguments[0]);
    struct sockaddr_un address;
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (!path || number < 1 || number > 100 || descriptor < 0 || address_of(path, &address) < 0) {
        say("!cannot");
        return;
    }
    union {
        char bytes[CMSG_SPACE(100 * sizeof(int))];
        struct cmsghdr header;
    } control = {0};
    int numbers[100];
    for (int index = 0; index < number; index++)
        numbers[index] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct iovec vector = {.iov_base = "FDSTORE=1", .iov_len = 9};
    struct msghdr message = {.msg_name = &address,
                             .msg_namelen = sizeof address,
                             .msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_SPACE((size_t)number * sizeof(int))};
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN((size_t)number * sizeof(int));
    memcpy(CMSG_DATA(header), numbers, (size_t)number * sizeof(int));
    say_result(sendmsg(descriptor, &message, MSG_NOSIGNAL));
    for (int index = 0; index < number; index++)
        close(numbers[index]);
    close(descriptor);
}

// PATH: listens there; kept until the machine ends
static int listener = -1;
static void listen_verb(int count, char** arguments) {
    (void)count;
    struct sockaddr_un address;
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || address_of(arguments[0], &address) < 0 ||
        bind(listener, (struct sockaddr*)&address, sizeof address) < 0 || listen(listener, 4) < 0)
        say_errno();
    else
        say("ok");
}
// What the next one who connects says
static void accept_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    char bytes[1024];
    ssize_t size = peer < 0 ? -1 : read(peer, bytes, sizeof bytes);
    if (size < 0)
        say_errno();
    else
        say_bytes(bytes, (size_t)size);
    if (peer >= 0)
        close(peer);
}

// "NAME up|down" of every link
static void links_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct if_nameindex* links = if_nameindex();
    if (!links || descriptor < 0) {
        say_errno();
        return;
    }
    for (struct if_nameindex* link = links; link->if_index; link++) {
        struct ifreq request = {0};
        strncpy(request.ifr_name, link->if_name, sizeof request.ifr_name - 1);
        ioctl(descriptor, SIOCGIFFLAGS, &request);
        say("%s%s %s", link == links ? "" : "\n", link->if_name, request.ifr_flags & IFF_UP ? "up" : "down");
    }
    if_freenameindex(links);
    close(descriptor);
}

// Talks to itself over 127.0.0.1
static void loopback_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
        client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server < 0 || client < 0 || bind(server, (struct sockaddr*)&address, sizeof address) < 0 ||
        listen(server, 1) < 0 || getsockname(server, (struct sockaddr*)&address, &length) < 0 ||
        connect(client, (struct sockaddr*)&address, sizeof address) < 0)
        say_errno();
    else
        say("ok");
    close(server);
    close(client);
}

// An ICMP echo socket as ping(8) opens it
static void ping_socket_verb(int count, char** arguments) {
    (void)count;
    (void)arguments;
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);
    say_result(descriptor);
    if (descriptor >= 0)
        close(descriptor);
}

const struct verb socket_verbs[] = {
    {"socket", 1, socket_verb},
    {"notify", 1, notify_verb},
    {"notify-with-descriptors", 1, notify_with_descriptors_verb},
    {"listen", 1, listen_verb},
    {"accept", 0, accept_verb},
    {"links", 0, links_verb},
    {"loopback", 0, loopback_verb},
    {"ping-socket", 0, ping_socket_verb},
    {NULL, 0, NULL},
};
