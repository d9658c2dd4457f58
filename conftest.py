"""Lo que vale para las pruebas y para los cuadernos: cuáles tardan, y que ninguna figura se pierda al ejecutarlos.

nbval compara el texto de las celdas marcadas; aquí se compara, en todas, de qué clase es cada salida. Con algunas
versiones de los paquetes una figura se vuelve el texto «<Figure size 640x480…>» sin que nada falle.
"""

import os
from collections.abc import Iterator
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")               # hay otro proceso de pruebas: cada quien, un núcleo

import pytest
from notebook_guards import lost_outputs

LESSONS = [path for path in Path(__file__).parent.glob("lessons/[0-9]*.ipynb") if not path.stem.endswith("_ejercicios")]
# Así lo pide .ci/run, que después corre las lecciones en un navegador y compara ahí sus salidas: con una vez basta.
collect_ignore = [str(path) for path in LESSONS] if os.environ.get("LABKIT_SIN_LECCIONES") == "1" else []
FIRST = ("test_real_data.py", "03_regularizacion.ipynb")         # lo más largo de todo
# Los archivos de pruebas que más tardan; con los cuadernos, son lo que omite `pytest -m "not slow"`.
SLOW = {f"test_{name}.py" for name in (
    "real_data", "shipped_networks", "exercises", "exercises_notebooks", "experiments", "exercises_dissection", "exercises_exemplars",
    "exercises_optimization", "exercises_occlusion", "exercises_priors", "exercises_regularization", "commands_dissect", "commands_report", "dissection_page", "ready_made",
    "exercises_counterfactuals", "counterfactuals", "dissection_shared", "maps", "setup", "shipped_data", "experiments_drawn", "dissection_real", "real_networks",
    "priors_lying")}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marca lo que tarda, y lo pone primero: así se reparte mejor entre los procesos."""
    for item in items:
        if item.path.suffix == ".ipynb" or item.path.name in SLOW:
            item.add_marker("slow")
    items.sort(key=lambda item: (item.path.name not in FIRST, item.get_closest_marker("slow") is None))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[object]:
    """Los cuadernos se ejecutan sin barras de avance: salen solo en una máquina lenta, y ahí serían otra salida."""
    if item.path.suffix != ".ipynb":
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TQDM_DISABLE", "1")                       # la lee el kernel, que empieza aquí
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Después de cada celda que ejecuta nbval, falla si perdió una salida que el cuaderno guardado sí tiene."""
    result = yield
    made = getattr(item, "test_outputs", None)
    if made is not None:
        lost = lost_outputs(item.cell.outputs, made)
        if lost:
            item.raise_cell_error(f"La celda guardada muestra algo que aquí ya no salió: {', '.join(lost)}")
    return result
