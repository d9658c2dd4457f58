"""El lado de quien da el curso: de la tarea a la calificación, con lo de sus estudiantes en una sola carpeta suya.

EL CONTRATO DE DATOS: qué guarda cada archivo de esa carpeta. Las llaves de JSON y las columnas están en español.

    curso.toml                  la configuración: nombre, lista, secreto, [limites], [calificacion], [lecciones.NOMBRE]
    lista.csv                   el grupo, como lo tenga la escuela
    llaves.csv                  llave, nombre, correo, numero: la única tabla que une una llave con una persona
    reparto/LECCIÓN/            lo que se reparte; reparto/nbgrader/, si se pidió
    entregas/LECCIÓN/LLAVE/INTENTO/
        recibido.ipynb          los bytes que llegaron
        entrega.ipynb           el cuaderno reparado; no está si no se pudo leer
        recibo.json             archivo, llegó, fecha_adentro (si venía en un zip), días_tarde, problema, reparaciones,
                                avisos, llave_escrita, suma, carpeta_moodle, id_moodle
    entregas/LECCIÓN/sin_dueño.json   lo que no se supo de quién es: archivo, motivo, llave_escrita, suma;
                                ya_con_dueño.json, lo que estuvo ahí y se recogió después con el nombre de alguien
    respuestas/LECCIÓN/LLAVE.json     lo que respondió su código, solo datos: celda → {"casos": […]}, {"valor": …},
                                {"veredicto", "mensaje"} o {"fin", "mensaje"} (`flat` los escribe y los lee)
    calificaciones/LECCIÓN/LLAVE.json   estado («calificada» o «no calificada»), motivo, protección, huella, intento,
                                ejercicios: [{celda, ejercicio, puntos, de, símbolo, palabra, mensaje, dibujo}],
                                a_mano: [{celda, de, texto, sin_escribir}]
    manual/LECCIÓN.csv          lo que se puso a mano: llave, celda, puntos, comentario, motivo, quien, fecha, huella.
                                En una celda que revisa un programa es una corrección, y el motivo es obligatorio. En
                                vez de la llave puede venir el seudónimo de `rubric --anonymous` (`veil.alias`). La
                                huella es la de lo leído (`workings.prints`): los puntos de otro texto no cuentan
    manual/LECCIÓN_segunda.csv  lo mismo, de quien leyó después; no cuenta para la calificación
    salida/LECCIÓN/             calificaciones.csv, moodle.csv, comentarios.zip, comentarios_aparte/ (quien no tiene
                                carpeta de Moodle conocida), recibida_de_moodle/hoja.csv, rubrica.html,
                                rubrica_segunda.html, reporte/ y reporte_sin_nombres/ (grupo.html, estudiantes/);
    salida/curso.csv            las calificaciones finales
    kit/LECCIÓN.html            las respuestas de cada quien: no se reparte
    paquete_sin_nombres.zip     lo único que deja `delete --keep`

Fuera de la carpeta no queda nada de nadie: labkit compilado va en la caché, ~/.cache/labkit/sin_fuentes, y se rehace
solo; cada entrega corre en una carpeta temporal, que se borra.

Una entrega termina en uno de tres estados: calificada, no calificada (y por qué) o falta calificar a mano; quien no
entregó es NP. `scores.score` junta todo eso y da el estado de una persona en una lección; `INTENTO` es la fecha en que
llegó y el principio de su suma, y cuenta el último que se pudo leer.
"""
