// SPDX-License-Identifier: LGPL-2.1-or-later
// Clients as others build them: by sdbus-c++'s generator, from the XML that is installed.
#include "sdbus_compat.hpp"
#include "service.hpp"

#include <atomic>
#include <chrono>
#include <gmock/gmock.h>
#include <memory>
#include <thread>

namespace machinist::testing {

namespace {

class ManagerClient : public sdbus::ProxyInterfaces<org::freedesktop::machine1::Manager_proxy> {
public:
    explicit ManagerClient(sdbus::IConnection& connection)
        : ProxyInterfaces(connection, ServiceName{"org.freedesktop.machine1"}, sdbus::ObjectPath{manager_path}) {
        registerProxy();
    }
    ManagerClient(const ManagerClient&) = delete;
    ManagerClient& operator=(const ManagerClient&) = delete;
    virtual ~ManagerClient() {
        unregisterProxy();
    }

    std::atomic<int> added = 0;
    std::atomic<int> removed = 0;

private:
    void onMachineNew(const std::string& machine, const sdbus::ObjectPath&) override {
        added += machine == "web" ? 1 : 0;
    }
    void onMachineRemoved(const std::string& machine, const sdbus::ObjectPath&) override {
        removed += machine == "web" ? 1 : 0;
    }
};

class MachineClient : public sdbus::ProxyInterfaces<org::freedesktop::machine1::Machine_proxy> {
public:
    MachineClient(sdbus::IConnection& connection, const std::string& path)
        : ProxyInterfaces(connection, ServiceName{"org.freedesktop.machine1"}, sdbus::ObjectPath{path}) {
        registerProxy();
    }
    MachineClient(const MachineClient&) = delete;
    MachineClient& operator=(const MachineClient&) = delete;
    virtual ~MachineClient() {
        unregisterProxy();
    }
};

class AGeneratedClient : public AService {
protected:
    static bool soon(const std::atomic<int>& count) {
        for (int tries = 0; tries < 500 && count == 0; ++tries)
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        return count > 0;
    }

    std::unique_ptr<sdbus::IConnection> connection = sdbus::createSystemBusConnection();
    ManagerClient client{*connection};
};

} // namespace

TEST_F(AGeneratedClient, RegistersAMachineAndReadsItsProperties) {
    const Leader leader;

    const std::string path = client.RegisterMachine("web", std::vector<std::uint8_t>(16, 3), "generated", "container",
                                                    leader.number(), "/srv/web");

    EXPECT_EQ(path, machine_path("web"));
    MachineClient machine{*connection, path};
    EXPECT_EQ(machine.Name(), "web");
    EXPECT_EQ(machine.Leader(), leader.number());
    EXPECT_EQ(machine.Id(), std::vector<std::uint8_t>(16, 3));
    EXPECT_EQ(machine.State(), "running");
    EXPECT_EQ(machine.NetworkInterfaces(), std::vector<std::int32_t>{});
    EXPECT_EQ(client.PoolPath(), "/var/lib/machines");
    EXPECT_EQ(client.ListMachines().size(), 2U);
}

TEST_F(AGeneratedClient, IsToldByTheNamesOfErrors) {
    try {
        (void)client.GetMachine("nothing");
        FAIL();
    } catch (const sdbus::Error& error) {
        EXPECT_EQ(std::string{error.getName()}, "org.freedesktop.machine1.NoSuchMachine");
        EXPECT_EQ(error.getMessage(), "No machine 'nothing' known");
    }
}

TEST_F(AGeneratedClient, HearsTheSignals) {
    connection->enterEventLoopAsync();
    Leader leader;
    (void)register_machine("web", leader.number());
    EXPECT_TRUE(soon(client.added));
    leader.end();
    EXPECT_TRUE(soon(client.removed));
    connection->leaveEventLoop();
}

} // namespace machinist::testing
