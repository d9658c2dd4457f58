"""El párrafo de métodos de una disección, con sus cifras y sus referencias: para copiarlo en un artículo."""
from html import escape

import torch

from labkit import __version__
from labkit.commands.evidence import FIRST_SEED, LEVEL, LOOKED, Evidence
from labkit.dissection import CONVENTIONS
from labkit.dissection.fast.pieces import TIMES
from labkit.dissection.labels import DETECTOR_IOU
from labkit.measures import RIVALS

MEANINGS = {
    "paper": "la del artículo: la unión de una unidad y un concepto cuenta los píxeles de la unidad solo en las "
             "imágenes que tienen algo anotado de la categoría del concepto; un valor igual al umbral cuenta",
    "netdissect": "la del programa NetDissect: como la del artículo, pero un valor igual al umbral no cuenta",
    "lite": "la del programa NetDissect-Lite: la unión cuenta los píxeles de la unidad solo en las imágenes en que "
            "coincide con algo de la categoría; un valor igual al umbral no cuenta",
    "dissect": "la del programa dissect: el umbral se toma de los mapas ya agrandados y la unión cuenta los píxeles de "
               "la unidad en todas las imágenes; un valor igual al umbral no cuenta",
    "every_image": "la unión cuenta los píxeles de la unidad en todas las imágenes, también donde nadie anotó la "
                   "categoría; un valor igual al umbral cuenta",
}
PAPERS = {
    "bau": "D. Bau, B. Zhou, A. Khosla, A. Oliva y A. Torralba (2017). Network Dissection: Quantifying "
           "Interpretability of Deep Visual Representations. CVPR. doi:10.1109/CVPR.2017.354",
    "efron": "B. Efron (1979). Bootstrap Methods: Another Look at the Jackknife. The Annals of Statistics 7(1). "
             "doi:10.1214/aos/1176344552",
    "hsu": "J. C. Hsu (1984). Constrained Simultaneous Confidence Intervals for Multiple Comparisons with the Best. "
           "The Annals of Statistics 12(3). doi:10.1214/aos/1176346732",
    "he": "K. He, X. Zhang, S. Ren y J. Sun (2015). Delving Deep into Rectifiers. ICCV. doi:10.1109/ICCV.2015.123",
    "phipson": "B. Phipson y G. K. Smyth (2010). Permutation P-values Should Never Be Zero. Statistical Applications "
               "in Genetics and Molecular Biology 9(1). doi:10.2202/1544-6115.1585",
    "benjamini": "Y. Benjamini y Y. Hochberg (1995). Controlling the False Discovery Rate. Journal of the Royal "
                 "Statistical Society B 57(1). doi:10.1111/j.2517-6161.1995.tb02031.x",
}
FEW = 200                                       # con menos, en Escenas, ni los intervalos alcanzan la cuenta verdadera
FEW_TOLD = (f"Son pocas: con menos de {FEW} las cuentas salen infladas, porque cada unidad escoge el mejor de muchos "
            "conceptos con mucho ruido, y sus intervalos no lo arreglan")
ONE_PLACE = (": un solo lugar por imagen, así que la máscara es la imagen entera o nada, y no dice dónde responde la "
             "unidad, sino qué suele llenar esas imágenes")
COURSE = ("Las autoras y los autores del curso (2026). ¿Qué aprendió la red? Curso de interpretación de redes "
          f"convolucionales (labkit, versión {__version__}).")
BIBTEX = f"""@inproceedings{{bau2017dissection,
  title = {{Network Dissection: Quantifying Interpretability of Deep Visual Representations}},
  author = {{Bau, David and Zhou, Bolei and Khosla, Aditya and Oliva, Aude and Torralba, Antonio}},
  booktitle = {{CVPR}}, year = {{2017}}, doi = {{10.1109/CVPR.2017.354}}
}}
@misc{{labkit2026,
  title = {{¿Qué aprendió la red? Curso de interpretación de redes convolucionales}},
  author = {{{{Las autoras y los autores del curso}}}}, year = {{2026}}, note = {{labkit, versión {__version__}}}
}}"""


def methods(evidence: Evidence, steps: int = 0) -> list[str]:
    """Los párrafos de métodos, con lo que de verdad se hizo; steps: en cuántos pasos, las imágenes hechas."""
    found, way = evidence.found, CONVENTIONS[evidence.convention]
    units, groups = count_of(len(found.cuts), "unidad", "unidades"), len(set(found.categories))
    size = " × ".join(map(str, evidence.maps))
    told = [f"Disecamos la capa {evidence.layer} de la red {evidence.network} ({units}; se lee {read_told(evidence)}"
            f"{f'; sus mapas son de {size}' if evidence.maps else ''}), "
            f"con {evidence.images} y {len(found.names)} conceptos de {groups} categorías, con el método de Bau et al. "
            f"(2017). {_enters(evidence)}El umbral de cada unidad se escoge para que lo superen a lo más "
            f"{100 * way.share:g} % de los valores de su mapa{' ya agrandado' if way.upsampled else ''}, sobre todas "
            "las imágenes y todos los lugares. La máscara de la unidad es su mapa, agrandado con interpolación "
            f"bilineal al tamaño de las anotaciones, donde {'supera' if way.strict else 'llega a'} ese umbral (si el "
            "umbral es su menor valor, donde lo supera); se compara con cada concepto con la intersección entre la "
            "unión (IoU), con los píxeles sumados sobre las imágenes. La convención es "
            f"«{evidence.convention}», {MEANINGS[evidence.convention]}. Una unidad detecta su concepto de mayor IoU si "
            f"este pasa de {DETECTOR_IOU}. Los conceptos distintos se cuentan de dos maneras: los que son el de mayor "
            "IoU de alguna unidad («cada unidad una vez»), o los que lo son entre los de su categoría, sumados sobre "
            "las categorías («sumando categorías»)."]
    if evidence.intervals:
        size = evidence.piece_size
        parts = "imágenes" if size == 1 else f"pedazos de {size} imágenes seguidas"
        told.append(
            "Para saber qué depende de estas imágenes, remuestreamos con reemplazo "
            f"{evidence.pieces} {parts}, {TIMES} veces, con la semilla 0 (Efron, 1979). Los umbrales se "
            "quedan fijos, así que los intervalos hablan de las imágenes y no del umbral. El intervalo de 95 % de cada "
            "cuenta cubre dos: del percentil 2.5 al 97.5 de lo remuestreado, y lo mismo reflejado alrededor de la "
            "cuenta, porque el mejor IoU entre muchos conceptos crece con cualquier ruido, también al remuestrear. El "
            f"conjunto de nombres de una unidad reúne, entre sus {RIVALS} conceptos de mayor IoU, los que no se "
            "distinguen del mejor con 95 % de confianza (Hsu, 1984): el concepto de mayor IoU en otras imágenes como "
            "estas está en el conjunto con esa probabilidad, aproximadamente, para cada unidad por separado.")
    return told + ([_control(evidence)] if evidence.twins else []) + ([_made(steps)] if steps else [])


def _enters(evidence: Evidence) -> str:
    """Cómo entran las imágenes a la red y, si son pocas, qué les hace eso a las cuentas."""
    told = f"Las imágenes entran a {evidence.enters}. " if evidence.enters else ""
    return told + (f"{FEW_TOLD}. " if evidence.count < FEW else "")


def _control(evidence: Evidence) -> str:
    """El párrafo del control."""
    rivals = len(evidence.twins) * len(evidence.found.cuts)
    last, twins = evidence.twins[-1].seed, count_of(len(evidence.twins), "red gemela", "redes gemelas")
    seeds = f"semillas {FIRST_SEED} a {last}" if last > FIRST_SEED else f"semilla {FIRST_SEED}"
    return (
        f"Como control disecamos {twins}, con la misma arquitectura y pesos al azar (He et "
        "al., 2015, con los sesgos en 0; las capas que no son convoluciones ni densas, como empiezan en PyTorch; "
        f"{seeds}), con las mismas imágenes y la misma convención. La p de una unidad es (1 + m) / (1 + "
        f"{rivals}), donde m cuenta cuántas de las {rivals} unidades al azar tienen un mejor IoU mayor o igual que "
        f"el suyo (Phipson y Smyth, 2010). Las {len(evidence.found.cuts)} pruebas se corrigen juntas con el "
        "procedimiento de Benjamini y Hochberg (1995): de las unidades que aguantan, se espera que a lo más "
        f"{100 * LEVEL:g} % lo hagan por casualidad. "
        "Aguantar dice que la unidad coincide con un concepto más que las unidades al azar; "
        "no dice que ese nombre sea el único posible ni que la red use la unidad.")


def _made(steps: int) -> str:
    """El párrafo de las imágenes hechas."""
    return (f"La imagen hecha para una unidad sube la media de su mapa durante {steps} pasos de Adam (paso 0.2), en "
            "frecuencias y en los colores del conjunto; en cada paso la imagen se mueve, se gira y se acerca un poco. "
            "Parte de ruido gris y suave (semilla 0). Se enseña solo si, tal como queda en el archivo, la media de la "
            "respuesta pasa de 0 y de la del ruido, y la imagen se movió.")


def read_told(evidence: Evidence) -> str:
    """Si lo que se leyó está antes o después de una ReLU, y en qué se vio."""
    seen = count_of(min(LOOKED, evidence.count), "imagen", "imágenes")
    return (f"después de una ReLU, o de algo que tampoco da negativos (vistos los valores de {seen})" if
            evidence.rectified else "antes de una ReLU, o sin ella: tiene valores negativos")


def maps_told(evidence: Evidence) -> str:
    """De qué tamaño son los mapas; si son de un solo lugar, qué no dicen."""
    size = " × ".join(map(str, evidence.maps))
    return f"{size}{'' if max(evidence.maps) > 1 else ONE_PLACE}"


def repeating(evidence: Evidence, order: str) -> list[str]:
    """Lo que hace falta para que salga lo mismo, en HTML: la orden, las versiones y la huella de los pesos."""
    told = [f"<code>{escape(order)}</code>"] if order else []
    same = f"{versions()}. Los pesos de la red tienen la huella {evidence.prints} (el principio de su SHA-256)"
    same += f", y las tablas de la carpeta, index.csv y label.csv, {evidence.data}" if evidence.data else ""
    return [*told, escape(f"{same}: con otros, la huella es otra.")]


def versions() -> str:
    """Con qué versiones se hizo."""
    return f"labkit {__version__}, PyTorch {torch.__version__}"


def seeds_told(evidence: Evidence, pictures: bool) -> str:
    """De qué semillas sale lo que se sortea."""
    told = ["0 en el remuestreo"] if evidence.intervals else []
    told += ["0 en el ruido y los movimientos de las imágenes hechas"] if pictures else []
    last = FIRST_SEED + len(evidence.twins) - 1
    twins = f"{FIRST_SEED} a {last} en las gemelas" if last > FIRST_SEED else f"{FIRST_SEED} en la gemela"
    return "; ".join([*told, *([twins] if evidence.twins else [])]) or "no se sorteó nada"


def citations() -> dict[str, str]:
    """Qué citar: el método, el programa, y los dos en BibTeX."""
    return {"método": PAPERS["bau"], "programa": COURSE, "BibTeX": BIBTEX}


def citing() -> str:
    """Cómo citar el método y el programa, en HTML y en BibTeX."""
    return f"<p>El método: {escape(PAPERS['bau'])}</p><p>El programa: {escape(COURSE)}</p><pre>{escape(BIBTEX)}</pre>"


def count_of(count: int, one: str, many: str) -> str:
    """Cuántos son, en singular o en plural."""
    return f"{count} {one if count == 1 else many}"


def among(count: int) -> str:
    """Las detectoras, tras «de»: con artículo solo si son varias."""
    return f"las {count} detectoras" if count > 1 else count_of(count, "detectora", "detectoras")


def references(evidence: Evidence) -> list[str]:
    """Las referencias que citan esos párrafos."""
    keys = ["bau", *(["efron", "hsu"] if evidence.intervals else []),
            *(["he", "phipson", "benjamini"] if evidence.twins else [])]
    return [PAPERS[key] for key in keys]
