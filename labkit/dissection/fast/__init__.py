"""La ruta rápida de la disección: los mismos números, bit por bit, en menos tiempo, en varios procesos o por partes.

Para entender la lección no hace falta leerla: la cuenta es `counting.count_by_pixel`, y una prueba las tiene iguales.

`by_region` cuenta juntos los píxeles que están en los mismos conceptos; se apoya en `lit_pixels`, que sabe qué píxeles
enciende un mapa sin agrandarlo entero. `sharing` reparte una disección entre procesos o la retoma donde se quedó; se
apoya en `saving`, que guarda lo contado. `pieces` cuenta en pedazos de pocas imágenes, para decir qué tan seguro es
cada nombre.
"""
