"""Al ejecutar los cuadernos, lo que mostraba una figura o un control debe volver a mostrarlo.

nbval compara el texto de las celdas marcadas; aquí se compara, en todas, de qué clase es cada salida. Con algunas
versiones de los paquetes una figura se vuelve el texto «<Figure size 640x480…>» sin que nada falle.
"""

from collections.abc import Iterator

import pytest
from notebook_guards import lost_outputs


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
