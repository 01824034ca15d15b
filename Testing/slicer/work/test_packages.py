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
print(sorted({"torch", "onnxruntime", "safetensors"} & set(sys.modules)))
"""
    paths = [str(root / folder) for folder in ("", "ReVert", "Testing/support")]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}; {script}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def requirements_of(root, name):
    """What pyproject.toml states in a list of its own, without versions."""
    listed = re.search(rf"^{name} = \[(.*?)\]$", (root / "pyproject.toml").read_text(), re.S | re.M).group(1)
    return {requirement.split(">")[0] for requirement in re.findall(r'"([^"]+)"', listed)}


def test_the_packages_are_those_of_the_project(root, packages):
    """Stated alike. The rest is what Slicer brings, which neither extension nor module may replace, and what is used
    outside Slicer only: bars on a terminal, and threads of another program's matrices."""
    stated, outside = requirements_of(root, "dependencies"), {"threadpoolctl", "tqdm"}
    assert {"onnxruntime", "safetensors"} == set(packages.PACKAGES) & stated
    assert stated - set(packages.PACKAGES) == {"numpy", "pillow", "pydicom", "scipy", "SimpleITK", "vtk"} | outside
    assert requirements_of(root, "torch") == {"torch"} == set(packages.PACKAGES) - stated


def test_accepted(packages, machine):
    machine.add_packaging(answer="yes")
    assert packages.missing() == ("onnxruntime", "safetensors")
    steps = []
    assert packages.install(lambda text: steps.append((text.split(":")[0], len(machine.installed))))
    assert machine.installed == ["onnxruntime safetensors"]
    assert steps == [("Installing onnxruntime, safetensors", 0), ("", 1)]
    assert said() == ([], "")


def test_a_ct_needs_torch_too(packages, machine):
    machine.add_torch_extension(answer="torch")
    machine.add_packaging(answer="yes")
    assert packages.missing(forCt=True) == ("safetensors", "torch")
    steps = []
    assert packages.install(lambda text: steps.append((text.split(":")[0], len(machine.installed))), forCt=True)
    assert machine.installed == ["torch", "safetensors"]
    assert steps == [("Installing PyTorch", 0), ("Installing safetensors", 1), ("", 2)]
    assert said() == ([], "")


@pytest.mark.parametrize(("there", "for_ct", "missing"), [("torch", False, ()), ("onnxruntime", True, ("torch",))])
def test_only_what_is_missing_is_installed(packages, machine, there, for_ct, missing):
    machine.there = {there, "safetensors"}
    assert packages.missing(forCt=for_ct) == missing
    machine.there = {there}
    machine.add_packaging(answer="yes")
    machine.add_torch_extension(answer="torch")
    assert packages.install(forCt=for_ct)
    assert machine.installed == [*missing, "safetensors"]


def test_torch_declined_changes_nothing(packages, machine):
    machine.add_torch_extension(answer=None)
    machine.add_packaging(answer="yes")
    assert not packages.install(forCt=True)
    assert machine.installed == []
    assert said() == (["info"], "torch: not installed, so this cannot be done. Click again to be asked again.")


def test_the_rest_declined(packages, machine):
    machine.add_packaging(answer=RuntimeError("User declined package installation"))
    assert not packages.install()
    kinds, text = said()
    assert kinds == ["info"]
    assert text.startswith("onnxruntime, safetensors: not installed, ")


def test_without_the_extension_it_is_said_where_to_get_it(packages, machine):
    machine.add_packaging(answer="yes")
    assert not packages.install(forCt=True)
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
    assert not packages.install(forCt=True)
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
    assert "onnxruntime, safetensors" in text


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
