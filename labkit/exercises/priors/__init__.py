"""Los ejercicios de la lección 3b: `best_guess`, `prior_step`, la temperatura que convence y la red que miente."""

from labkit.exercises.kinds import Finding, Function
from labkit.exercises.priors.findings import (HEATS, STEPS, answers_of, heat_reasons, heat_row, heated, lie_of,
                                              lie_reasons, my_class, my_networks, portraits_of, read_heats,
                                              read_lie, right_heats, unmasked)
from labkit.exercises.priors.functions import (GUESS_MISTAKES, STEP_MISTAKES, best_guess, guesses, prior_step,
                                               prior_steps)

__all__ = ["EXERCISES", "HEATS", "STEPS", "my_class", "my_networks"]

EXERCISES = {
    "best_guess": Function(
        best_guess, guesses, GUESS_MISTAKES,
        describe=lambda x, data, sigma: f"{len(data)} imágenes de {x.shape[1]} × {x.shape[2]} y σ = {sigma:g}",
        hints=("Una imagen lejos de x es poco probable; una cerca, mucho. ¿Con qué pesos las promedias?",
               "El peso de cada una es la exponencial de menos su distancia al cuadrado entre 2σ², y luego todos se "
               "dividen entre su suma.",
               "softmax(0) hace las dos cosas, y no se queda sin cifras; los pesos (n,) se vuelven (n, 1, 1, 1) con "
               "[:, None, None, None]."),
    ),
    "prior_step": Function(
        prior_step, prior_steps, STEP_MISTAKES,
        describe=lambda images, cleaned, gradient, weights: f"{len(images)} imágenes de {images.shape[2]} × "
                                                            f"{images.shape[3]} y pesos {weights}",
        forbidden=("ppgn", "maximize"),
        hints=("Son tres cosas que se suman: la imagen, un pedazo del camino hacia lo limpio, y un paso hacia arriba.",
               "El camino hacia lo limpio es cleaned − images. El paso hacia arriba mide lo mismo en todas: a cada "
               "gradiente se le quita su longitud.",
               "gradient.flatten(1).norm(dim=1) da una longitud por imagen; view(-1, 1, 1, 1) la acomoda, "
               "clamp(min=1e-12) evita el cero, y al final, clamp(0, 1)."),
    ),
    "convincing_heat": Finding(
        case=heat_row,
        read=read_heats,
        right=right_heats,
        reasons=heat_reasons,
        praise="esas son. Convencer y puntuar no tienen por qué pedir la misma temperatura.",
        hints=("Primero haz las seis imágenes, una por temperatura y todas con tu semilla; después mídelas.",
               "witness(images).argmax(1) da la clase que gana en cada una; la lista HEATS va de mayor a menor.",
               "El margen es score(robust, images, margin(label)), uno por imagen; la segunda respuesta es la de "
               "HEATS en el lugar de su argmax()."),
        solution=(heated, answers_of),
    ),
    "lying_network": Finding(
        case=lie_of,
        read=read_lie,
        right=lambda lie: (lie.letter, lie.shown),
        reasons=lie_reasons,
        praise="esa es. Las dos contestan lo mismo en tus imágenes, y solo una enseña lo que usa.",
        hints=("Con imágenes de la prueba no las vas a distinguir: haz que cada una dibuje tu clase.",
               "Parte del mismo ruido, con un lienzo nuevo para cada red, y compara las dos imágenes con show_sheet.",
               "judge(image).argmax(1) dice la clase que gana según el juez; la que miente es la que no da tu clase."),
        solution=(portraits_of, unmasked),
    ),
}
