// SPDX-License-Identifier: LGPL-2.1-or-later
// Images from recipes.
#include "recipe/build.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/image_verbs.hpp"
#include "cli/control/json_text.hpp"
#include "cli/control/leftovers.hpp"
#include "cli/control/table.hpp"
#include "machinist_config.h"
#include "recipe/recipe_places.hpp"

#include <chrono>
#include <cstdio>
#include <unistd.h>

namespace machinist {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::size_t shown_of_a_line = 70;

// On a terminal one line that changes; elsewhere a line a stage, and one every ten seconds: nobody shall believe that
// it hangs.
class Progress {
public:
    Progress(std::string name, bool is_quiet)
        : name_(std::move(name)), is_quiet_(is_quiet), is_terminal_(::isatty(STDERR_FILENO) == 1) {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() {
        if (is_shown_)
            std::fputs("\r\x1b[K", stderr);
    }

    void show(std::string_view stage, std::string_view line) {
        if (is_quiet_)
            return;
        // What begins with "I: " is what the stage is called after.
        if (!line.empty())
            line_ = line.starts_with("I: ") ? std::string_view{} : line.substr(0, shown_of_a_line);
        const auto now = Clock::now();
        const bool is_new = stage != stage_;
        stage_ = stage;
        if (is_terminal_) {
            std::fprintf(stderr, "\r\x1b[K%s: %s, %.0f s  %s", name_.c_str(), stage_.c_str(), seconds(), line_.c_str());
            std::fflush(stderr);
            is_shown_ = true;
        } else if (is_new || now - told_ >= 10s) {
            std::fprintf(stderr, "%s: %s, %.0f s%s%s\n", name_.c_str(), stage_.c_str(), seconds(),
                         is_new || line_.empty() ? "" : ": ", is_new ? "" : line_.c_str());
            told_ = now;
        }
    }
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(Clock::now() - began_).count();
    }

private:
    std::string name_;
    bool is_quiet_;
    bool is_terminal_;
    bool is_shown_ = false;
    std::string stage_;
    std::string line_;
    Clock::time_point began_ = Clock::now();
    Clock::time_point told_ = began_;
};

int list_all(const Invocation& call) {
    if (!call.words.empty())
        throw Failure{FailureKind::usage, "'build --list' takes no names"};
    Table table{{"RECIPE", "SUITE", "VARIANT", "SNAPSHOT", "DESCRIPTION", "PATH"}};
    for (const ParsedRecipe& parsed : list_recipes(recipe_search_path(MACHINIST_RECIPES))) {
        const Recipe& recipe = parsed.recipe;
        const auto cell = [](const std::string& text) { return text.empty() ? Cell{} : Cell{text}; };
        table.add({recipe.name, cell(recipe.suite), recipe.variant, recipe.snapshot,
                   parsed.problems.empty() ? cell(recipe.description) : Cell{"cannot be read: " + parsed.problems[0]},
                   recipe.path.string()});
    }
    table.print(call, "recipes");
    return 0;
}

const char* word_for(Built how) {
    return how == Built::kept ? "kept" : how == Built::made ? "made" : "replaced";
}

void tell(const Invocation& call, const Recipe& recipe, const BuiltTree& built, const std::string& name,
          double seconds) {
    if (call.output != OutputMode::text)
        std::printf("{\"name\":%s,\"path\":%s,\"recipe\":%s,\"result\":\"%s\",\"seconds\":%.1f}\n",
                    json_string(name).c_str(), json_string(built.path.native()).c_str(),
                    json_string(recipe.path.native()).c_str(), word_for(built.how), seconds);
    else if (!call.quiet && built.how == Built::kept)
        std::printf("'%s' is there already, made from the same recipe.\n", built.path.c_str());
    else if (!call.quiet)
        std::printf("Made '%s' from recipe '%s' in %.1f s.\n", built.path.c_str(), recipe.name.c_str(), seconds);
}

} // namespace

int build_from_recipe(const Invocation& call, const MachineStore&) {
    if (call.list)
        return list_all(call);
    if (call.words.empty())
        throw Failure{FailureKind::usage, "'build' needs the name of a recipe"}.try_instead("'machinist build --list'");
    const Recipe recipe = read_recipe(call.words[0], recipe_search_path(MACHINIST_RECIPES));
    const BuildRequest request{.name = call.words.size() > 1 ? call.words[1] : recipe.name,
                               .mirrors = call.mirrors,
                               .replace = call.force || call.anew,
                               .anew = call.anew};
    if (::geteuid() != 0)
        throw Failure{FailureKind::not_permitted,
                      "build '" + escaped_for_people(request.name) + "': only root can make files of many users"};
    const Pool pool;
    Progress progress{request.name, call.quiet};
    const OnStage on_stage = [&](std::string_view stage, std::string_view line) { progress.show(stage, line); };
    const BuiltTree built = doing("build '" + escaped_for_people(request.name) + "'", [&] {
        return call.place ? build_tree(std::filesystem::absolute(*call.place), recipe, request, on_stage)
                          : build_image(pool, recipe, request, on_stage);
    });
    tell(call, recipe, built, request.name, progress.seconds());
    delete_behind(call, pool, built.left);
    return 0;
}

} // namespace machinist
