"""Lo que vale para las pruebas y para los cuadernos: cuáles tardan, y que ninguna figura se pierda al ejecutarlos.

nbval compara el texto de las celdas marcadas; aquí se compara, en todas, de qué clase es cada salida. Con algunas
versiones de los paquetes una figura se vuelve el texto «<Figure size 640x480…>» sin que nada falle.
"""

import os
from collections.abc import Iterator

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")               # hay otro proceso de pruebas: cada quien, un núcleo

import pytest
from notebook_guards import lost_outputs

# Los archivos de pruebas que más tardan; con los cuadernos, son lo que omite `pytest -m "not slow"`.
SLOW = ()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marca lo que tarda."""
    for item in items:
        if item.path.suffix == ".ipynb" or item.path.name in SLOW:
            item.add_marker("slow")


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
