"""Las columnas de una tabla: qué valores puede tomar cada una, y cómo se vuelve números un renglón.

Un renglón es un vector (d,) con todo entre 0 y 1: una columna de números ocupa un lugar, de su menor valor, 0, al
mayor, 1; una de opciones ocupa un lugar por opción, con un solo 1. Así una red recibe renglones como recibe imágenes.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Value = float | int | str
Record = Mapping[str, Value]                # columna → valor, como se leería en la tabla
CLOSE = 1e-5                                # cuánto puede alejarse un número de lo permitido por el redondeo


@dataclass(frozen=True)
class Number:
    """Una columna de números, de `low` a `high`, en `unit`.  step: de cuánto en cuánto, 1 si es entera."""
    name: str
    low: float
    high: float
    unit: str = ""
    step: float = 0

    width = 1

    def __post_init__(self) -> None:
        if not self.low < self.high or self.step < 0:
            raise ValueError(f"«{self.name}»: esperaba low < high y un paso desde 0, y recibí {self.low:g}, "
                             f"{self.high:g} y {self.step:g}.")

    def encode(self, value: Value) -> list[float]:
        """Su lugar entre los extremos, de 0 a 1. Error: ValueError si no es un número de los permitidos."""
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"«{value}» no es un número") from None
        if not self.low <= number <= self.high:
            raise ValueError(f"{value} está fuera de {self.low:g} a {self.high:g}")
        place = (number - self.low) / (self.high - self.low)
        if abs(float(self.project(torch.tensor([[place]]))) - place) > CLOSE:
            raise ValueError(f"{value} no va de {self.step:g} en {self.step:g} desde {self.low:g}")
        return [place]

    def decode(self, values: Tensor) -> Value:
        """El número que dice un pedazo de renglón, (1,)."""
        number = min(max(self.low + float(values[0]) * (self.high - self.low), self.low), self.high)
        return int(round(number)) if self.step and float(self.step).is_integer() else number

    def project(self, values: Tensor) -> Tensor:
        """Lo permitido más cercano a unos pedazos de renglón, (n, 1): dentro de los extremos y en su paso."""
        places = values.clamp(0, 1)
        if not self.step:
            return places
        size = self.step / (self.high - self.low)
        return ((places / size).round() * size).clamp(0, 1)

    def candidates(self, grid: int = 41) -> Tensor:
        """Los valores que se prueban, (v, 1): todos, si van por pasos; si no, `grid` repartidos, con los extremos."""
        count = round((self.high - self.low) / self.step) + 1 if self.step else grid
        return torch.linspace(0, 1, count)[:, None]

    def labels(self) -> list[str]:
        """El nombre de su lugar."""
        return [self.name]


@dataclass(frozen=True)
class Choice:
    """Una columna de opciones: exactamente una de `values`."""
    name: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.values) < 2 or len(set(self.values)) < len(self.values):
            raise ValueError(f"«{self.name}»: esperaba dos opciones o más, distintas, y recibí {self.values}.")

    @property
    def width(self) -> int:
        """Cuántos lugares ocupa: uno por opción."""
        return len(self.values)

    def encode(self, value: Value) -> list[float]:
        """Un 1 en su opción y 0 en las demás. Error: ValueError si no es una de ellas."""
        if value not in self.values:
            raise ValueError(f"«{value}» no es una opción; las que hay son {', '.join(self.values)}")
        return [float(value == option) for option in self.values]

    def decode(self, values: Tensor) -> Value:
        """La opción que dice un pedazo de renglón, (opciones,)."""
        return self.values[int(values.argmax())]

    def project(self, values: Tensor) -> Tensor:
        """Lo permitido más cercano a unos pedazos de renglón, (n, opciones): un 1 donde era mayor, 0 en lo demás."""
        return torch.nn.functional.one_hot(values.argmax(1), self.width).to(values)

    def candidates(self, grid: int = 41) -> Tensor:
        """Todas las opciones, (opciones, opciones)."""
        return torch.eye(self.width)

    def labels(self) -> list[str]:
        """El nombre de cada uno de sus lugares: «empleo = jubilado»."""
        return [f"{self.name} = {option}" for option in self.values]


Column = Number | Choice


class Columns:
    """Las columnas de una tabla, en orden. `len(columns)` es d, lo que mide un renglón en números."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self.names = [column.name for column in self.columns]
        if not self.columns:
            raise ValueError("columns: no quedó ninguna columna; hace falta al menos una además de la respuesta.")
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"columns: esperaba columnas con nombres distintos y recibí {self.names}.")
        self.places: dict[str, slice] = {}                                  # columna → sus lugares en el renglón
        start = 0
        for column in self.columns:
            self.places[column.name] = slice(start, start + column.width)
            start += column.width
        self.labels = [label for column in self.columns for label in column.labels()]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, name: str) -> Column:
        if name not in self.names:
            raise ValueError(f"name: no hay una columna «{name}». Las columnas son: {', '.join(self.names)}.")
        return self.columns[self.names.index(name)]

    def encode(self, records: Sequence[Record]) -> Tensor:
        """Los renglones en números, (n, d). Error: ValueError que dice renglón y columna de cada falla."""
        rows, problems = [], []
        for i, record in enumerate(records, start=1):
            row: list[float] = []
            for column in self.columns:
                try:
                    row += column.encode(_present(record, column.name))
                except ValueError as error:
                    problems.append(f"renglón {i}, columna «{column.name}»: {error}.")
            rows.append(row)
        if problems:
            more = f"\n… y {len(problems) - 10} más." if len(problems) > 10 else ""
            raise ValueError("La tabla no se leyó, y no se quitó ningún renglón. Corrige esto:\n"
                             + "\n".join(problems[:10]) + more)
        return torch.tensor(rows, dtype=torch.float32).reshape(-1, len(self))

    def decode(self, rows: Tensor) -> list[dict[str, Value]]:
        """Los renglones (n, d) como se leen en la tabla: columna → valor."""
        self.check(rows)
        return [{column.name: column.decode(row[self.places[column.name]]) for column in self.columns} for row in rows]

    def project(self, rows: Tensor) -> Tensor:
        """Los renglones permitidos más cercanos a unos vectores cualesquiera, (n, d): columna por columna."""
        self.check(rows)
        return torch.cat([column.project(rows[:, self.places[column.name]]) for column in self.columns], 1)

    def allowed(self, rows: Tensor) -> Tensor:
        """Cuáles renglones cumplen las restricciones, (n,): extremos, pasos, y una sola opción por columna."""
        return (rows - self.project(rows)).abs().amax(1) <= CLOSE

    def random(self, n: int, seed: int = 0) -> Tensor:
        """n renglones permitidos, al azar y sin mirar ningún dato: (n, d)."""
        dice = torch.Generator().manual_seed(seed)
        return self.project(torch.rand(n, len(self), generator=dice))

    def without(self, *names: str) -> "Columns":
        """Las mismas columnas, sin esas."""
        lost = [name for name in names if name not in self.names]
        if lost:
            raise ValueError(f"names: no hay columnas {', '.join(lost)}. Las columnas son: {', '.join(self.names)}.")
        return Columns([column for column in self.columns if column.name not in names])

    def pick(self, rows: Tensor, kept: "Columns") -> Tensor:
        """De unos renglones con estas columnas, (n, d), lo que toca a las de `kept`, en su orden."""
        self.check(rows)
        return torch.cat([rows[:, self.places[name]] for name in kept.names], 1)

    def put(self, rows: Tensor, name: str, value: Value) -> Tensor:
        """Los mismos renglones, (n, d), con ese valor en esa columna y lo demás igual: sus contrafactuales."""
        self.check(rows)
        changed = rows.clone()
        try:
            changed[:, self.places[self[name].name]] = torch.tensor(self[name].encode(value))
        except ValueError as error:
            raise ValueError(f"{name}: {error}." if name in self.names else str(error)) from None
        return changed

    def check(self, rows: Tensor) -> None:
        """ValueError si no son renglones de estas columnas, (n, d)."""
        if rows.ndim != 2 or rows.shape[1] != len(self):
            raise ValueError(f"rows: esperaba renglones (n, {len(self)}), uno por lugar de {', '.join(self.names)}, y "
                             f"recibí {tuple(rows.shape)}. ¿Falta el eje de los renglones? Prueba rows[None].")


def _present(record: Record, name: str) -> Value:
    """El valor de esa columna; ValueError si falta o está en blanco."""
    value = record.get(name)
    if value is None or value != value or str(value).strip() == "":
        raise ValueError("falta el valor; escríbelo, o quita tú el renglón")
    return value
