# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured: one function a row, each interleaving its contenders round by round."""

import dataclasses
import os
import time

import measure
import transfers as transfer_rows
from contenders import Wish


@dataclasses.dataclass
class Result:
    """Values of one measure by contender; those of one round stand at the same place."""
    row: str
    unit: str
    values: dict
    problems: dict
    base: str = "limit"  # whose values the others are divided by


def interleaved(contenders, rounds, warm_up, sample):
    """sample(contender) gives a tuple of values; who fails is out, with the reason."""
    series, problems = {contender.name: [] for contender in contenders}, {}
    for number in range(-warm_up, rounds):
        # Who comes after whom changes: a neighbour's late work is no contender's fault for ever.
        shift = number % len(contenders)
        for contender in contenders[shift:] + contenders[:shift]:
            if contender.name in problems:
                continue
            try:
                values = sample(contender)
            except (measure.Failed, OSError) as problem:
                problems[contender.name] = str(problem)
                continue
            if number >= 0:
                series[contender.name].append(values)
    return {name: values for name, values in series.items() if name not in problems and values}, problems


def results(row, measures, series, problems):
    return [Result(f"{row}, {what}" if what else row, unit,
                   {name: [values[index] for values in rounds] for name, rounds in series.items()}, problems)
            for index, (what, unit) in enumerate(measures)]


def one_program(row, contenders, counts, image, **wish):
    def sample(contender):
        got = measure.once(contender.command(Wish(image, ["/bin/true"], **wish)))
        return got.wall, got.cpu

    return results(row, (("wall", "ms"), ("CPU", "ms")), *interleaved(contenders, counts.programs, 2, sample))


def host_namespaces(contenders, counts, place, tree):
    return one_program("/bin/true, filter and capabilities", contenders, counts, place.copied_tree(tree))


def own_users_and_network(contenders, counts, place, tree):
    return one_program("/bin/true, own users and network too", contenders, counts, place.copied_tree(tree),
                       users=True, network=True)


def first_process(contenders, counts, place, tree):
    tiny = place.tiny_tree("one")

    def sample(contender):
        got = measure.once(contender.command(Wish(tiny, ["/usr/bin/stamp"])))
        stamps = measure.stamps_in(got.output)
        if not stamps:
            raise measure.Failed(f"process 1 said nothing: {got.output[-200:]}")
        return ((stamps[0] - got.began) / 1e6,)

    return results("invocation to process 1", (("", "ms"),), *interleaved(contenders, counts.programs, 2, sample))


def zone(contenders, counts, place, tree):
    """A link in a zone against a network with nothing but loopback: beside a machine that is in the zone already,
    and as the first one, which has the bridge and all that serves on it made for it."""
    able = [contender for contender in contenders if contender.has_zones]
    tiny = place.tiny_tree("one")
    measures = (("until process 1", "ms"), ("until the manager has ended", "ms"), ("CPU", "ms"))

    def costs(contender, patient, **wish):
        before = place.cpu_time()
        command = contender.command(Wish(tiny, ["/usr/bin/stamp"], users=True, network=True, **wish))
        got = measure.once(command, patient=patient)
        time.sleep(0.05)  # others may still be at work for it
        stamps = measure.stamps_in(got.output)
        if not stamps:
            raise measure.Failed(f"process 1 said nothing: {got.output[-200:]}")
        return (stamps[0] - got.began) / 1e6, got.wall, place.cpu_time() - before

    def compared(patient):
        return lambda contender: tuple(linked - plain for plain, linked in zip(
            costs(contender, patient), costs(contender, patient, zone="bench")))

    with measure.OwnNetwork():
        found = results("the first link in a zone", measures, *interleaved(able, counts.programs, 2, compared(True)))
        with measure.Output() as output, measure.Input() as source:
            try:
                for contender in able:
                    name = f"stays-{contender.name}"
                    command = contender.command(Wish(place.tiny_tree(name), ["/usr/bin/stamp", "wait"], name=name,
                                                     users=True, network=True, zone="bench"))
                    measure.spawn(command, source.descriptor, output.descriptor)
                wait_for_stamps(output, len(able))
                return found + results("one more link in a zone", measures,
                                       *interleaved(able, counts.programs, 2, compared(False)))
            finally:
                source.end()
                measure.reap_orphans(10)


def many_in_a_zone(contenders, counts, place, tree):
    fewer = dataclasses.replace(counts, machines=counts.machines // 2)
    able = [contender for contender in contenders if contender.has_zones]
    with measure.OwnNetwork():
        return many_at_once(able, fewer, place, tree, users=True, network=True, zone="bench")


def many_at_once(contenders, counts, place, tree, **wish):
    """Also says what stays in memory for each of them, without the payload."""
    trees = [place.tiny_tree(f"many{number}") for number in range(counts.machines)]

    def sample(contender):
        commands = [contender.command(Wish(one, ["/usr/bin/stamp", "wait"], name=f"many{number}", **wish))
                    for number, one in enumerate(trees)]
        with measure.Output() as output, measure.Input() as source:
            try:
                started = [measure.spawn(command, source.descriptor, output.descriptor) for command in commands]
                stamps = wait_for_stamps(output, len(commands))
                time.sleep(0.3)
                memory = sum(measure.proportional_memory(pid) for pid in measure.descendants())
            finally:
                source.end()
                measure.reap_orphans(10)
        return (max(stamps) - started[0].began) / 1e6, memory / len(commands)

    able = [contender for contender in contenders if contender.boots]
    name = f"{counts.machines} machines at once" + (", each with users and a link in a zone" if wish else "")
    return results(name, (("until all run", "ms"), ("left per machine", "kB PSS")),
                   *interleaved(able, counts.crowds, 0, sample))


def wait_for_stamps(output, count, seconds=30):
    until = time.monotonic() + seconds
    while len(stamps := measure.stamps_in(output.text())) < count:
        if time.monotonic() > until:
            others = [line for line in output.text().splitlines() if not line.startswith("stamp ")]
            raise measure.Failed(f"{len(stamps)} of {count} came up: {' '.join(others[-5:])}")
        time.sleep(0.005)
    return stamps


def layers(contenders, counts, place, tree):
    image = place.copied_tree(tree)
    able = [contender for contender in contenders if contender.has_layers]

    def sample(contender):
        plain = measure.once(contender.command(Wish(image, ["/bin/true"])))
        layered = measure.once(contender.command(Wish(image, ["/bin/true"], layer=True)))
        return layered.wall - plain.wall, layered.cpu - plain.cpu

    return results("--ephemeral beyond a plain start", (("wall", "ms"), ("CPU", "ms")),
                   *interleaved(able, counts.layers, 0, sample))


def boot(contenders, counts, place, tree):
    """Private network, no user namespace; the tree itself, which is warm after its first boot."""
    image = place.stamping_tree(tree)
    able = [contender for contender in contenders if contender.boots]

    def sample(contender):
        stamp = image / "up"
        stamp.unlink(missing_ok=True)
        got = measure.once(contender.command(Wish(image, [], network=True)), any_status=True)
        if not stamp.exists():
            raise measure.Failed(f"did not reach multi-user: {got.output.strip()[-300:]}")
        (up,) = measure.stamps_in(stamp.read_text())
        return (up - got.began) / 1e6, got.cpu

    return results(f"invocation to multi-user of {tree.name}", (("", "ms"), ("CPU until off", "ms")),
                   *interleaved(able, counts.boots, 1, sample))


def images(contenders, counts, place, tree):
    """Until the caller goes on: what is deleted behind shows in nobody's time, as with a shell's "&"."""
    able = [contender for contender in contenders if contender.image_words]
    pool = place.image_pool(tree)
    before = os.getcwd()

    def sample(contender):
        clone, remove, _, keep, forget = (contender.image_command(words) for words in contender.image_words)
        return tuple(measure.once(command, patient=False).wall for command in (clone, remove, keep, forget))

    def list_a_thousand(contender):
        return (measure.once(contender.image_command(contender.image_words[2])).wall,)

    try:
        os.chdir(pool)
        found = results("image of a pool", (("clone", "ms"), ("remove", "ms"), ("snapshot", "ms"), ("snapshot removed", "ms")),
                        *interleaved(able, counts.layers, 0, sample))
        for number in range(1000):
            (pool / f"image{number}").mkdir()
        return found + results("1000 images", (("listed", "ms"),),
                               *interleaved(able, counts.programs, 1, list_a_thousand))
    finally:
        os.chdir(before)
        measure.reap_orphans(60)
        place.leave_image_pool()


def transfers(contenders, counts, place, tree):
    return transfer_rows.transfers(contenders, counts, place, tree, interleaved, results)


@dataclasses.dataclass
class Counts:
    programs: int
    crowds: int
    layers: int
    boots: int
    machines: int = 100


quick = Counts(programs=15, crowds=1, layers=1, boots=2)
thorough = Counts(programs=60, crowds=3, layers=3, boots=9)

# name on the command line, what it does, which tree it wants
table = (
    ("true", host_namespaces, "bookworm"),
    ("users", own_users_and_network, "bookworm"),
    ("first", first_process, "bookworm"),
    ("many", many_at_once, "bookworm"),
    ("zone", zone, "bookworm"),
    ("many-zone", many_in_a_zone, "bookworm"),
    ("layers", layers, "bookworm"),
    ("images", images, "bookworm"),
    ("transfers", transfers, "bookworm"),
    ("boot", boot, "bookworm"),
    ("boot-trixie", boot, "trixie"),
)
