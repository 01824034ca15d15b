"""What pyproject.toml cannot say: the resources lie beside the package, as in Slicer, and inside it once installed."""

from setuptools import find_packages, setup

RESOURCES = "ReVertLib.Resources"
FOLDERS = ("demo", "film", "networks", "sample", "weights")

setup(
    packages=[*find_packages(include=["ReVertLib*"]), RESOURCES, *(f"{RESOURCES}.{name}" for name in FOLDERS)],
    package_dir={RESOURCES: "Resources"},
    package_data={
        "ReVertLib": ["py.typed"],
        RESOURCES: ["*.npz", "shape_model.md", "template.md"],
    }
    | {f"{RESOURCES}.{name}": ["*"] for name in FOLDERS},
)
