"""Las maneras publicadas de contar, y otra más: un número publicado es también un protocolo."""
from dataclasses import dataclass

from labkit.shapes import one_of, real

UNIONS = ("all", "category", "under mask")


@dataclass(frozen=True)
class Convention:
    """Cómo se cuenta.

    share: qué parte de los valores de una unidad pasa su umbral.  upsampled: el umbral se toma de los mapas ya
    agrandados.  strict: un valor igual al umbral no cuenta.  union: la unión de una unidad y un concepto cuenta los
    píxeles de la unidad en las imágenes que tienen algo de la categoría del concepto ("category", como el artículo), en
    todas ("all") o solo en las que lo tienen bajo su máscara ("under mask").  lowest: dónde responde menos la unidad, y
    no más (los mapas cambian de signo).
    """
    share: float = 0.005
    upsampled: bool = False
    strict: bool = False
    union: str = "category"
    lowest: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "share", real(self.share, "share", 0, 1, open_ends=True))
        one_of(self.union, "union", UNIONS)


# paper: la del artículo (Bau et al., 2017, §2.3): «solo las imágenes con algún concepto de la misma categoría».
# netdissect: CSAILVision/NetDissect. lite: NetDissect-Lite. dissect: davidbau/dissect.
# every_image: la unidad paga también por lo que enciende en imágenes en que nadie anotó esa categoría.
CONVENTIONS = {
    "paper": Convention(),
    "netdissect": Convention(strict=True),
    "lite": Convention(strict=True, union="under mask"),
    "dissect": Convention(share=0.01, upsampled=True, strict=True, union="all"),
    "every_image": Convention(union="all"),
}


def pick_convention(convention: str | Convention) -> Convention:
    """La convención con ese nombre; ValueError, con las que hay, si no existe."""
    if isinstance(convention, Convention):
        return convention
    if isinstance(convention, str) and convention == "exact":
        raise ValueError('convention: "exact" se dividió en dos: "paper", la del artículo, que cuenta cada categoría '
                         'solo en las imágenes que tienen algo de ella, y "every_image", que cuenta en todas, como '
                         'hacía "exact".')
    return CONVENTIONS[one_of(convention, "convention", CONVENTIONS)]
