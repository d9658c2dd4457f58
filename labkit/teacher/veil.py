"""Quitar los nombres: a cada persona, un seudónimo que sale del secreto, y ninguna seña suya en lo que se enseña."""
import re
from dataclasses import dataclass, field

from labkit.teacher.course import Course
from labkit.teacher.roster import Student

SHORT = 4                                       # una seña de menos letras se confundiría con cualquier palabra


def alias(course: Course, key: str, scope: str = "") -> str:
    """El seudónimo de quien tiene esa llave; con `scope`, otro que solo vale ahí. Sin el secreto no se deshace."""
    return f"P-{course.derive('seudónimo', scope, key) % 16**8:08x}"


@dataclass(frozen=True)
class Veil:
    """Cómo se nombra a cada quien en una página: por su nombre o, si `hides`, por su seudónimo."""
    course: Course
    people: list[Student]
    hides: bool = False
    scope: str = ""
    _known: dict[str, str] = field(default_factory=dict)

    def name(self, person: Student) -> str:
        """Cómo se nombra a esa persona."""
        return alias(self.course, person.key, self.scope) if self.hides else person.name

    def file(self, person: Student) -> str:
        """El nombre de su archivo, sin terminación."""
        return alias(self.course, person.key, self.scope) if self.hides else person.key

    def hide(self, words: str) -> str:
        """Las mismas palabras, sin ningún nombre, correo, número ni llave de la lista, si hay que quitarlos."""
        if not self.hides:
            return words
        marks = self._marks()
        pattern = "|".join(re.escape(mark) for mark in sorted(marks, key=len, reverse=True))
        return re.sub(rf"(?<!\w)(?:{pattern})(?!\w)", lambda found: marks[found[0].casefold()], words,
                      flags=re.IGNORECASE)

    def _marks(self) -> dict[str, str]:
        if not self._known:
            for person in self.people:
                for mark in (person.name, person.email, person.number, person.key):
                    if len(mark) >= SHORT:
                        self._known[mark.casefold()] = self.name(person)
        return self._known
