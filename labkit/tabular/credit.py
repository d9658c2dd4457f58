"""Una tabla de créditos inventada, de la que se sabe la regla: quién deja de pagar, y con qué injusticia se anotó.

Nada de esto describe a un lugar ni a un banco de verdad. Los números de la regla se escogieron para que se pueda leer.
"""
from typing import NamedTuple

import torch
from torch import Tensor

from labkit.device import draw_index
from labkit.tabular.columns import Choice, Columns, Number

JOBS = ("asalariado", "por su cuenta", "sin empleo", "jubilado")
# qué parte de sus habitantes es del grupo B; el grupo no debe contar para el crédito
TOWNS = {"Jacarandas": 0.03, "La Cantera": 0.05, "El Mirador": 0.08, "San Telmo": 0.92, "Los Fresnos": 0.95,
         "Agua Clara": 0.97}
PENALTY = 1.2                               # lo que se le carga al grupo B en lo anotado, en logits


class Credit(NamedTuple):
    """Una tabla de créditos: n personas, lo que se anotó de ellas, y lo que solo sabe quien escribió la regla.

    rows: (n, d), con las columnas de `columns`;  defaults: si se anotó que dejó de pagar, (n,);  conduct: si dejó de
    pagar según su conducta, sin la injusticia, (n,);  chance: la probabilidad de lo anotado según la regla, (n,);
    in_b: si es del grupo B, (n,).
    """
    columns: Columns
    rows: Tensor
    defaults: Tensor
    conduct: Tensor
    chance: Tensor
    in_b: Tensor

    def without(self, *names: str) -> "Credit":
        """La misma tabla y las mismas personas, sin esas columnas; lo anotado no cambia."""
        kept = self.columns.without(*names)
        return self._replace(columns=kept, rows=self.columns.pick(self.rows, kept))


def credit_columns() -> Columns:
    """Las ocho columnas de la tabla de créditos; el dinero, en pesos."""
    return Columns([
        Number("edad", 18, 80, "años", 1),
        Number("ingreso", 4000, 80_000, "pesos al mes", 500),
        Number("créditos", 0, 12, "créditos anteriores", 1),
        Number("contratos", 0, 6, "contratos de móvil", 1),
        Number("antigüedad", 0, 45, "años en el empleo", 1),
        Choice("empleo", JOBS),
        Choice("colonia", tuple(TOWNS)),
        Choice("grupo", ("A", "B")),
    ])


def conduct_rule(columns: Columns, rows: Tensor) -> Tensor:
    """Qué tan probable es que alguien deje de pagar, por su conducta, en logits: (n, d) → (n,).

    Ni la edad ni la colonia ni el grupo cuentan. Lo que falta para estar seguro es azar: se sortea.
    """
    credits, phones, years = (_number(columns, rows, name) for name in ("créditos", "contratos", "antigüedad"))
    income = _number(columns, rows, "ingreso")
    jobless = rows[:, columns.places["empleo"]][:, JOBS.index("sin empleo")]
    risk = -2.2 + 0.25 * credits - 0.06 * years + 0.8 * jobless
    risk = risk - 0.9 * torch.log2(income / 12_000)
    return risk + 2.2 * ((credits >= 2) & (phones >= 3))                # los contratos cuentan solo con los créditos


def credit_rule(columns: Columns, rows: Tensor) -> Tensor:
    """Lo mismo para lo *anotado*, en logits: a quien es del grupo B se le carga PENALTY por una conducta igual."""
    return conduct_rule(columns, rows) + PENALTY * rows[:, columns.places["grupo"]][:, 1]


def credit_table(n: int, seed: int = 0) -> Credit:
    """n personas sorteadas, con su conducta y lo que se anotó. Con la misma semilla, las mismas."""
    columns, dice = credit_columns(), torch.Generator().manual_seed(seed)
    rows = _people(columns, n, dice)
    luck = torch.rand(n, generator=dice)                                # el mismo azar para la conducta y lo anotado
    chance = credit_rule(columns, rows).sigmoid()
    conduct = luck < conduct_rule(columns, rows).sigmoid()
    in_b = rows[:, columns.places["grupo"]][:, 1] == 1
    return Credit(columns, rows, luck < chance, conduct, chance, in_b)


def possible(columns: Columns, rows: Tensor) -> Tensor:
    """Cuáles renglones podrían ser de alguien en este mundo, (n,): tres leyes que ninguna columna sola puede decir.

    Nadie lleva más años en un empleo que los que tiene desde los 18; quien no trabaja lleva 0; nadie se jubila antes de
    los 50. `credit_table` las cumple siempre.
    """
    age, years = (_number(columns, rows, name).round() for name in ("edad", "antigüedad"))
    job = rows[:, columns.places["empleo"]].argmax(1)
    works = job < JOBS.index("sin empleo")
    return (years <= age - 18) & (works | (years == 0)) & ((job != JOBS.index("jubilado")) | (age >= 50))


def _people(columns: Columns, n: int, dice: torch.Generator) -> Tensor:
    """n renglones como los de la tabla: la edad limita la antigüedad, el empleo mueve el ingreso, y así."""
    def uniform() -> Tensor:
        return torch.rand(n, generator=dice)

    age = (18 + 62 * uniform() ** 1.6).round()
    job = draw_index(_job_odds(age), dice)
    works = job < JOBS.index("sin empleo")
    years = ((age - 18) * uniform() ** 2).floor() * works
    usual = torch.tensor([12_000.0, 11_000.0, 5500.0, 8000.0])[job] * (1 + 0.02 * years)
    income = usual * torch.exp(0.45 * torch.randn(n, generator=dice))
    credits = torch.poisson((0.07 * (age - 18)).clamp(0.2, 2.2), generator=dice)
    phones = torch.poisson(torch.where(age < 40, 2.2, 1.6), generator=dice)
    town = torch.randint(len(TOWNS), (n,), generator=dice)
    in_b = (uniform() < torch.tensor(list(TOWNS.values()))[town]).long()
    numbers = {"edad": age, "ingreso": income, "créditos": credits, "contratos": phones, "antigüedad": years}
    rows = torch.zeros(n, len(columns))
    for name, values in numbers.items():
        column = columns[name]
        rows[:, columns.places[name].start] = (values - column.low) / (column.high - column.low)
    for name, which in {"empleo": job, "colonia": town, "grupo": in_b}.items():
        rows[torch.arange(n), columns.places[name].start + which] = 1.0
    return columns.project(rows)


def _job_odds(age: Tensor) -> Tensor:
    """La probabilidad de cada empleo, (n, 4): desde los 65 casi todos están jubilados, y antes de los 50, nadie."""
    young, old = torch.tensor([0.60, 0.27, 0.13, 0.0]), torch.tensor([0.12, 0.13, 0.05, 0.70])
    middle = torch.tensor([0.55, 0.28, 0.12, 0.05])
    return torch.where((age >= 65)[:, None], old, torch.where((age >= 50)[:, None], middle, young))


def _number(columns: Columns, rows: Tensor, name: str) -> Tensor:
    """Los valores de una columna de números, en sus unidades, (n,)."""
    column = columns[name]
    return column.low + rows[:, columns.places[name].start] * (column.high - column.low)
