"""Las cuatro maneras oficiales de contar, y la nuestra: un número publicado es también un protocolo."""
from dataclasses import dataclass

UNIONS = ("all", "category", "under mask")


@dataclass(frozen=True)
class Convention:
    """Cómo se cuenta.

    share: qué parte de los valores de una unidad pasa su umbral.  upsampled: el umbral se toma de los mapas ya
    agrandados.  strict: un valor igual al umbral no cuenta.  union: la unión de una unidad y un concepto cuenta los
    píxeles de la unidad en todas las imágenes ("all"), en las que tienen algo de la categoría ("category") o en las que
    lo tienen bajo su máscara ("under mask").  lowest: dónde responde menos la unidad, y no más (los mapas cambian de
    signo).
    """
    share: float = 0.005
    upsampled: bool = False
    strict: bool = False
    union: str = "all"
    lowest: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"share: esperaba un número entre 0 y 1, sin llegar, y recibí {self.share}.")
        if self.union not in UNIONS:
            raise ValueError(f"union: esperaba {', '.join(UNIONS)} y recibí {self.union!r}.")


# exact: la del artículo. netdissect: CSAILVision/NetDissect. lite: NetDissect-Lite. dissect: davidbau/dissect.
CONVENTIONS = {
    "exact": Convention(),
    "netdissect": Convention(strict=True, union="category"),
    "lite": Convention(strict=True, union="under mask"),
    "dissect": Convention(share=0.01, upsampled=True, strict=True),
}


def pick_convention(convention: str | Convention) -> Convention:
    """La convención con ese nombre; ValueError, con las que hay, si no existe."""
    if isinstance(convention, Convention):
        return convention
    if convention not in CONVENTIONS:
        raise ValueError(f"convention: esperaba {', '.join(CONVENTIONS)} y recibí {convention!r}.")
    return CONVENTIONS[convention]
