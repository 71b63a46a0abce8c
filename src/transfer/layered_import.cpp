// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/layered_import.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "image/set_aside.hpp"
#include "image/shared_base.hpp"
#include "image/stack.hpp"
#include "kernel/files.hpp"
#include "oci/image_settings.hpp"
#include "transfer/confined_work.hpp"
#include "transfer/input_stream.hpp"
#include "transfer/tar_extraction.hpp"
#include "transfer/tree_copying.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace machinist {

namespace {

NewBase base_of(const std::filesystem::path& bases, const SourcedLayer& layer, const std::string& label,
                ProgressMeter& meter) {
    const std::string id = "sha256-" + layer.contents.digits();
    if (auto there = hold_base(bases, id))
        return std::move(*there);
    const UniqueFd file = layer.open(meter, label);
    SharedBase made{bases};
    const std::string digests = do_confined({.tree = made.tree(), .files = {file}}, meter, [&](ProgressMeter& inner) {
        InputStream stream{file,
                           {.digest_as_read = layer.digest.has_value(),
                            .digest_unpacked = true,
                            .cancellation = inner.cancellation().descriptor()}};
        inner.begin("unpacking layer" + label, stream.total());
        (void)extract_tar(stream, made.tree(),
                          {.whiteouts = Whiteouts::overlay,
                           .progress = [&](std::uint64_t) { inner.tick(stream.bytes_read()); },
                           .warn = [&](std::string_view sentence) { inner.say(4, std::string{sentence}); }});
        inner.end();
        return stream.digest_unpacked() + " " + stream.digest_as_read();
    });
    if (layer.digest && !digests.ends_with(" " + layer.digest->digits()))
        throw Failure{FailureKind::hostile, "layer" + label + " is not what its digest says"};
    if (!digests.starts_with(layer.contents.digits() + " "))
        throw Failure{FailureKind::hostile, "layer" + label + " does not hold what the image's configuration says"};
    return made.finish(id);
}

// What is there twice lies on top only: the kernel takes no directory twice, and what is below is hidden by it.
std::vector<const SourcedLayer*> layers_to_stack(const SourcedImage& image) {
    std::vector<const SourcedLayer*> layers;
    for (const SourcedLayer& layer : image.layers) {
        std::erase_if(layers, [&](const SourcedLayer* other) { return other->contents == layer.contents; });
        layers.push_back(&layer);
    }
    return layers;
}

// A tree without /usr is no system to whoever starts it, and an image of one program has none.
void make_usr(const std::filesystem::path& stack, const std::vector<NewBase>& bases) {
    struct stat status {};
    for (const NewBase& base : bases)
        if (::lstat((base.tree() / "usr").c_str(), &status) == 0)
            return;
    if (::stat(bases.back().tree().c_str(), &status) < 0 || ::mkdir((stack / "rw/data").c_str(), 0755) < 0 ||
        ::chmod((stack / "rw/data").c_str(), status.st_mode & 07777) < 0 ||
        ::mkdir((stack / "rw/data/usr").c_str(), 0755) < 0)
        throw system_failure("make 'usr' of the image");
}

// Where hard links to the bases cannot be: a directory of its own.
void copy_layers(const Pool& pool, const std::vector<NewBase>& bases, const std::string& name,
                 const NewImageOptions& options, ProgressMeter& meter) {
    Stack stack;
    for (const NewBase& base : bases)
        stack.layers.push_back(base.tree());
    NewImage image{pool, name, ImageForm::tree, options};
    meter.begin("copying");
    copy_tree_into(
        open_layers(stack), image.descriptor(), [&](std::uint64_t bytes) { meter.tick(bytes); },
        [&](std::string_view sentence) { meter.say(4, std::string{sentence}); });
    meter.end();
    image.finish();
}

bool stack_layers(const Pool& pool, const std::vector<NewBase>& bases, const std::string& name,
                  const NewImageOptions& options) {
    NewImage image{pool, name, ImageForm::stack, options};
    try {
        make_stack_on(image.path(), bases);
    } catch (const Failure& failure) {
        if (failure.error_number() == EXDEV)
            return false;
        throw;
    }
    make_usr(image.path(), bases);
    image.finish();
    return true;
}

// What was unpacked for an image that never came.
void collect(const Pool& pool) noexcept {
    try {
        for (const auto& left : collect_bases(pool.places().bases, pool.places().locks))
            remove_set_aside(left);
    } catch (const Failure&) {
        // The failure that led here is the one to tell; `gc` does the rest.
    }
}

} // namespace

void check_new_image(const Pool& pool, const std::string& name, const NewImageOptions& options) {
    check_new_image_name(name);
    if (!options.force && pool.find(name))
        throw Failure{FailureKind::already_exists, "image '" + name + "' exists already"};
}

void import_layers(const Pool& pool, const SourcedImage& image, const std::string& name, const NewImageOptions& options,
                   ProgressMeter& meter) {
    check_new_image(pool, name, options);
    const auto layers = layers_to_stack(image);
    ScopeExit drop_unused{[&] { collect(pool); }};
    // Let go of before that.
    std::vector<NewBase> bases;
    for (const SourcedLayer* layer : layers)
        bases.push_back(base_of(pool.places().bases, *layer,
                                " " + std::to_string(bases.size() + 1) + "/" + std::to_string(layers.size()), meter));
    if (!stack_layers(pool, bases, name, options))
        copy_layers(pool, bases, name, options, meter);
    drop_unused.release();
    write_atomically(pool.places().new_images / (name + ".nspawn"), oci::settings_text(image.config), 0644);
}

} // namespace machinist
