"""Un lienzo que es una fórmula: de las coordenadas de un punto, su color. Se dibuja nítido de cualquier tamaño."""
import torch
from torch import Tensor, nn

BLOCK = 2 ** 13                             # cuántos puntos se dibujan a la vez


class CPPNCanvas(nn.Module):
    """Un lienzo que guarda, en vez de píxeles, `b` fórmulas (CPPN, *compositional pattern-producing network*).

    Cada una es una red chica que recibe de un punto x, y y su distancia al centro, y da su color. `canvas()` la dibuja
    con `size` píxeles de lado, (b, 3, size, size) en [0, 1]; `at(otro)`, con los que quieras. Empieza en gris. La i
    sale de la semilla `seed + i`.  width, depth: cuántos números da cada capa y cuántas hay.  Fuentes: Stanley (2007),
    doi:10.1007/s10710-007-9028-8; Mordvintsev, Pezzotti, Schubert y Olah (2018), doi:10.23915/distill.00012.
    """

    def __init__(self, b: int = 1, size: int = 64, width: int = 24, depth: int = 8, seed: int = 0) -> None:
        super().__init__()
        if min(b, size, width, depth) < 1:
            raise ValueError(f"b, size, width, depth: esperaba al menos 1 y recibí {b}, {size}, {width} y {depth}.")
        self.size, dice = size, [torch.Generator().manual_seed(seed + i) for i in range(b)]
        inputs = [3] + [2 * width] * (depth - 1)                            # `bend` da dos números por cada uno
        self.weights = nn.ParameterList(torch.stack([torch.randn(k, width, generator=one) for one in dice]) / k ** 0.5
                                        for k in inputs)
        self.shifts = nn.ParameterList(torch.zeros(b, 1, width) for _ in inputs)
        self.mix = nn.Parameter(torch.zeros(b, 2 * width, 3))               # en cero: al empezar, todo es gris
        self.tone = nn.Parameter(torch.zeros(b, 1, 3))

    def forward(self) -> Tensor:
        return self.colors(self.points(range(self.size), self.size)).unflatten(2, (self.size, self.size))

    @torch.no_grad()
    def at(self, size: int) -> Tensor:
        """Las mismas fórmulas con `size` píxeles de lado, (b, 3, size, size); por renglones, con poca memoria."""
        rows, drawn = max(BLOCK // size, 1), self.mix.new_empty(len(self.mix), 3, size, size)
        for y in range(0, size, rows):
            lines = range(y, min(y + rows, size))
            drawn[:, :, y:y + rows] = self.colors(self.points(lines, size)).unflatten(2, (len(lines), size))
        return drawn

    def points(self, rows: range, size: int) -> Tensor:
        """Lo que recibe la fórmula en el centro de cada píxel de esos renglones: (len(rows)·size, 3)."""
        centers = 3 ** 0.5 * (2 * torch.arange(size).to(self.mix) + 1 - size) / size        # su varianza es 1
        y, x = torch.meshgrid(centers[rows.start:rows.stop], centers, indexing="ij")
        return torch.stack([x, y, (x.square() + y.square()).sqrt()], -1).flatten(0, 1)

    def colors(self, points: Tensor) -> Tensor:
        """El color que da cada fórmula a cada punto (n, 3): (b, 3, n), en [0, 1]."""
        values = points.expand(len(self.mix), -1, -1)
        for weight, shift in zip(self.weights, self.shifts):
            values = bend(values @ weight + shift)
        return (values @ self.mix + self.tone).sigmoid().transpose(1, 2)


def bend(values: Tensor) -> Tensor:
    """La arcotangente y su cuadrado, de media 0 y varianza 1 si lo que llega es normal: (…, n) → (…, 2n)."""
    angle = values.atan()
    return torch.cat([angle / 0.67, (angle.square() - 0.45) / 0.396], -1)
