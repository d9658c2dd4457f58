"""El piso: adivinar el signo que sigue con los pocos de antes, sin ninguna red."""
from collections import Counter
from collections.abc import Sequence
from math import log2

from labkit.sequences.alphabet import ALPHABET


class NGrams:
    """Cuántas veces siguió cada signo a los `order` − 1 de antes en unos textos.

    Cada orden se mezcla con el anterior según cuántos signos distintos ha visto seguir a ese contexto (Witten y Bell,
    1991, doi:10.1109/18.87000); abajo de todos está escoger al azar. Con order=1 solo cuenta qué tan común es el signo.
    """

    def __init__(self, texts: Sequence[str], order: int = 5) -> None:
        if order < 1:
            raise ValueError(f"order: esperaba al menos 1 y recibí {order}.")
        self.order, self.pairs, self.seen, self.kinds = order, Counter(), Counter(), Counter()
        for text in texts:
            for size in range(order):
                self.pairs.update(text[i - size:i + 1] for i in range(size, len(text)))
        for pair, count in self.pairs.items():
            self.seen[pair[:-1]] += count
            self.kinds[pair[:-1]] += 1

    def probability(self, context: str, sign: str) -> float:
        """La probabilidad de que a `context` le siga `sign`: suma 1 en todo el alfabeto."""
        guess = 1 / len(ALPHABET)
        for size in range(min(self.order - 1, len(context)) + 1):
            tail = context[len(context) - size:]
            if tail in self.seen:
                guess = (self.pairs[tail + sign] + self.kinds[tail] * guess) / (self.seen[tail] + self.kinds[tail])
        return guess

    def bits(self, text: str) -> float:
        """Bits por signo en un texto: cuánto cuesta cada uno después del primero, en promedio."""
        if len(text) < 2:
            raise ValueError("text: hacen falta al menos dos signos: del primero no se dice nada.")
        places, before = range(1, len(text)), self.order - 1
        return sum(-log2(self.probability(text[max(0, i - before):i], text[i])) for i in places) / len(places)
