"""What is missing, and every way in which installing it may end."""

import re
import subprocess
import sys
import types

import pytest
import slicer
import slicer_host


@pytest.fixture
def packages(root, monkeypatch):
    """The module, with nothing said yet."""
    monkeypatch.syspath_prepend(str(root / "ReVert"))
    from ReVertSlicer.work import packages

    slicer_host.messages.clear()
    slicer_host.answers.clear()
    yield packages
    slicer_host.messages.clear()
    slicer_host.answers.clear()


class Machine:
    """A Slicer without the packages; remembers what was installed how."""

    def __init__(self, monkeypatch, packages):
        self.there, self.installed, self.monkeypatch = set(), [], monkeypatch
        modules = {module: name for name, module in packages.PACKAGES.items()}
        monkeypatch.setattr(packages, "find_spec", lambda module: modules[module] in self.there or None)
        monkeypatch.setitem(sys.modules, "PyTorchUtils", None)
        monkeypatch.setitem(sys.modules, "slicer.packaging", None)
        monkeypatch.setattr(slicer.util, "pip_install", self.pip_install)

    def add_torch_extension(self, answer=None):
        """answer: what installTorch returns, or raises."""

        def install_torch(_logic, askConfirmation=False):
            assert askConfirmation
            return self.end("torch", answer)

        logic = type("PyTorchUtilsLogic", (), {"installTorch": install_torch})
        self.monkeypatch.setitem(sys.modules, "PyTorchUtils", types.SimpleNamespace(PyTorchUtilsLogic=logic))

    def add_packaging(self, answer=None):
        """slicer.packaging of 5.12."""

        def pip_ensure(requirements, requester):
            assert requester == "ReVert"
            self.end(" ".join(requirements), answer)

        self.monkeypatch.setitem(sys.modules, "slicer.packaging", types.SimpleNamespace(pip_ensure=pip_ensure))

    def pip_install(self, requirements):
        self.end(requirements, self)

    def end(self, names, answer):
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            self.installed.append(names)
            self.there |= set(names.split())
        return answer


@pytest.fixture
def machine(monkeypatch, packages):
    return Machine(monkeypatch, packages)


def said():
    """Kinds of the messages, and all their texts."""
    return [kind for kind, _ in slicer_host.messages], "\n".join(text for _, text in slicer_host.messages)


def test_here_nothing_is_missing_and_nothing_is_asked(packages):
    assert packages.missing() == ()
    assert packages.install()
    assert said() == ([], "")


def test_missing_imports_nothing(root):
    script = """
import slicer_host, sys
from ReVertSlicer.work import packages
assert packages.missing() == ()
print(sorted({"torch", "safetensors"} & set(sys.modules)))
"""
    paths = [str(root / folder) for folder in ("", "ReVert", "Testing/support")]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}; {script}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_the_packages_are_those_of_the_project(root, packages):
    """Stated alike. The rest is what Slicer brings, which neither extension nor module may replace, and what is used
    outside Slicer only: the published network and bars on a terminal."""
    listed = re.search(r"^dependencies = \[(.*?)^\]", (root / "pyproject.toml").read_text(), re.S | re.M).group(1)
    stated = re.findall(r'"([^"]+)"', listed)
    assert set(packages.PACKAGES) <= set(stated)
    rest = {requirement.split(">")[0] for requirement in stated} - set(packages.PACKAGES)
    assert rest == {"numpy", "pillow", "pydicom", "scipy", "SimpleITK", "vtk"} | {"torch-geometric", "tqdm"}


def test_accepted(packages, machine):
    machine.add_torch_extension(answer="torch")
    machine.add_packaging(answer="yes")
    assert packages.missing() == ("torch", "safetensors")
    steps = []
    assert packages.install(lambda text: steps.append((text.split(":")[0], len(machine.installed))))
    assert machine.installed == ["torch", "safetensors"]
    assert steps == [("Installing PyTorch", 0), ("Installing safetensors", 1), ("", 2)]
    assert said() == ([], "")


def test_only_what_is_missing_is_installed(packages, machine):
    machine.there = {"torch"}
    machine.add_packaging(answer="yes")
    assert packages.install()
    assert machine.installed == ["safetensors"]


def test_torch_declined_changes_nothing(packages, machine):
    machine.add_torch_extension(answer=None)
    machine.add_packaging(answer="yes")
    assert not packages.install()
    assert machine.installed == []
    assert said() == (
        ["info"],
        "torch: not installed, so nothing can be reconstructed. Click Reconstruct to be asked again.",
    )


def test_the_rest_declined(packages, machine):
    machine.add_torch_extension(answer="torch")
    machine.add_packaging(answer=RuntimeError("User declined package installation"))
    assert not packages.install()
    kinds, text = said()
    assert kinds == ["info"]
    assert text.startswith("safetensors: not installed, ")


def test_without_the_extension_it_is_said_where_to_get_it(packages, machine):
    machine.add_packaging(answer="yes")
    assert not packages.install()
    assert machine.installed == []
    kinds, text = said()
    assert kinds == ["warning"]
    assert "Extensions Manager" in text
    assert '"PyTorch"' in text


@pytest.mark.parametrize("what", ["torch", "rest"])
def test_an_installation_that_fails_says_the_true_reason(packages, machine, what):
    failure = subprocess.CalledProcessError(1, "pip")
    machine.add_torch_extension(answer=failure if what == "torch" else "torch")
    machine.add_packaging(answer=failure)
    assert not packages.install()
    kinds, text = said()
    assert kinds == ["error"]
    assert text == "The packages could not be installed: Command 'pip' returned non-zero exit status 1."


def test_an_installation_that_leaves_something_out_is_noticed(packages, machine, monkeypatch):
    machine.add_torch_extension(answer="torch")
    machine.add_packaging(answer="yes")
    monkeypatch.setattr(machine, "there", frozenset())
    monkeypatch.setattr(machine, "end", lambda _names, answer: answer)
    assert not packages.install()
    kinds, text = said()
    assert kinds == ["error"]
    assert "torch, safetensors" in text


def test_before_slicer_5_12_we_ask_ourselves(packages, machine):
    machine.there |= {"torch"}
    assert packages.install()
    assert machine.installed == ["safetensors"]
    kinds, text = said()
    assert kinds == ["confirm"]
    assert "safetensors" in text


def test_before_slicer_5_12_declined(packages, machine):
    machine.there |= {"torch"}
    slicer_host.answers["confirm"] = False
    assert not packages.install()
    assert machine.installed == []
    assert said()[0] == ["confirm", "info"]


def test_never_in_testing_mode(packages, machine, monkeypatch):
    monkeypatch.setattr(type(slicer.app), "testingEnabled", lambda _: True)
    machine.add_torch_extension(answer="torch")
    machine.add_packaging(answer="yes")
    assert not packages.install()
    assert machine.installed == []
    assert said() == ([], "")
