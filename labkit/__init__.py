"""labkit: las piezas con las que el curso mira dentro de una red convolucional.

Se importa por módulos, y la línea de importación dice dónde leer: `from labkit.occlusion import occlusion_map`.

EL PLANO DE LA CASA

Cada cuarto importa solo de los pisos de abajo. Los de las lecciones (piso 3) no se importan entre sí, salvo una
lección b, que puede usar la primera mitad, y no dibujan; `plotting` no ejecuta ninguna red. tests/test_floors.py lee
este plano y lo hace cumplir. Quién lee cada cuarto: E, quien estudia (se lee en una tarde, sin `models` ni `priors`,
que son redes); T, quien estudia lo toca y no hace falta que lo lea (dibujar, guardar, revisar respuestas); I, quien
investiga con una red suya; O, quien escribe órdenes en la terminal.

    Piso 5: lo que se escribe en la terminal
        O  __main__        reparte las órdenes de `python -m labkit ORDEN`
        O  commands        un archivo por orden (fetch, broden, dissect, publish, teacher) y un solo lector, `line`
        O  teacher         de la tarea a la calificación: lo que hacen los verbos de `teacher`
    Piso 4: lo que toca un cuaderno
        T  widgets         las demostraciones: un archivo por lección, con su palabra, y `demo`, el marco de todas
        T  exercises       los ejercicios: un archivo por lección, con su palabra, y lo que los revisa
        T  notebook        lo que hace todo cuaderno al empezar
        I  portraits       el retrato de cada unidad, que junta varias lecciones: sus imágenes y una hecha para ella
        O  first_cell      el texto de la primera celda de cada cuaderno, que encuentra o copia el curso
    Piso 3: un cuarto por lección
        E  pixels          0. píxeles, lo hecho a mano y lo aprendido, con la misma máquina
        E  occlusion       1. tapar partes de la imagen
        E  counterfactuals 1b. la misma escena sin una parte: qué relleno y qué mapa se le parecen
        E  optimization    2. maximizar una unidad, o una clase, cambiando la imagen
        E  regularization  3. desenfoque, penalizaciones, transformaciones y el lienzo de Fourier
        E  priors          3b. lo que una red sabe de las imágenes: limpiador, muestras, generador, segmentador, fórmula
        E  exemplars       4. las imágenes en que responde, y los mapas de una capa
        E  dissection      5. el nombre de cada unidad, y si es casualidad; lo rápido va aparte, en `dissection/fast`
        E  experiments     5b y 5c. las tablas de los experimentos, y disecar a una red que dibuja
        E  sequences       6. las mismas preguntas a una red que lee texto
        E  tabular         6b. tablas: el renglón que más puntúa, y por qué quitar una columna no basta
    Piso 2: con qué se pregunta
        E  objectives      lo que se le pregunta a la red: una puntuación por imagen
        E  models          las redes: cargarlas, envolver una tuya, armar una nueva
        E  datasets        los conjuntos de imágenes que vienen con el curso
        E  worlds          lo que se puede disecar: imágenes, y en cada una las regiones con sus conceptos
        T  plotting        las figuras que no se mueven
        T  gradients       ver un gradiente: dónde, hacia dónde, y si es verdad
        E  vectors         un vector por imagen: lo que da una capa, sus vecinos, una sonda lineal
        E  measures        áreas, IoU, intervalos y correcciones: qué tan bien y qué tan seguro
        T  ready_made      imágenes optimizadas que ya vienen hechas
        I  broden          leer, escribir y revisar carpetas Broden
    Piso 1: mirar dentro de una red y de una imagen
        E  activations     `run`, `record`, `edit`, `silence`, y el campo receptivo
        T  checks          revisar lo que recibe cada lección: vectores, respuestas, rejillas, lienzos
        T  batches         preguntar por tandas, según la memoria
        T  images          dibujar sobre tensores: cuadros, letras, hojas
        T  colors          qué color es cada píxel, con los once nombres de Broden
        T  packed          cómo vienen guardadas las imágenes en data/: mosaicos y tablas
        T  kept            vectores guardados en un archivo
        I  downloads       bajar un archivo y comprobar su suma; CIFAR-10
        I  regions         los píxeles que están en los mismos conceptos, dichos una vez
    Piso 0: lo que no mira dentro de una red
        T  shapes          revisar formas, números y máscaras, con un error que dice qué probar
        T  device          en qué dispositivo trabajar, y la semilla
        T  anynet          lo que pide cualquier red para que se le pregunte, y que después quede como estaba
        T  files           leer data/ y comprobar que está entera
        T  progress        la barra de avance, en español
        T  pictures        abrir cualquier imagen

DÓNDE SE AGREGA

Una lección: escoge su palabra en inglés (`occlusion`) y úsala en todo: `labkit/PALABRA.py`, con su renglón en este
plano; `labkit/widgets/PALABRA.py` y su nombre en `widgets/__init__.py`; `labkit/exercises/PALABRA.py` y su nombre en
`exercises/__init__.py`; `tests/test_PALABRA.py`; `lessons/NN_tema.ipynb` y `lessons/NN_tema_ejercicios.ipynb`; y un
renglón en las lecciones y en el glosario del README y en la guía docente.

Un ejercicio: en el archivo de su lección, en `labkit/exercises`, una función de referencia con sus casos y sus
errores, o una pregunta con su variante; y sus respuestas equivocadas en las pruebas de esa lección. Lo demás
(comparar, aislar, leer la respuesta, escribir el veredicto) ya está.

Un conjunto de imágenes: una carpeta `data/NOMBRE/` con info.json, los .npz y los .jpg; `load_images(source="NOMBRE")`
la encuentra sola. La escribe `data/build/packing.py` (`write_split`, `write_info`, `write_sums`), que también pone al
día data/SHA256SUMS. Ni una línea en labkit.

Una red: `data/networks/NOMBRE.safetensors`, escrita con `labkit.models.save_model`, que le guarda su tarjeta;
`load_model` la encuentra sola. Una arquitectura nueva, además, va en `labkit/models/families.py`, con su nombre en
`FAMILIES`, de `labkit/models/__init__.py`.
"""
__version__ = "0.2.0"
