"""Los nombres del mundo —materiales, texturas, colores— y cómo se comporta cada material con la luz."""

# brillo, dureza del brillo, reflejo de espejo, relieve
MATERIALS = {
    "metal": (0.50, 40, 0.22, 0.00), "plástico": (0.35, 25, 0.06, 0.00), "vidrio": (0.80, 80, 0.50, 0.00),
    "goma": (0.05, 8, 0.00, 0.00), "madera": (0.08, 10, 0.00, 0.08), "pelo": (0.05, 6, 0.00, 0.35),
    "plumas": (0.06, 8, 0.00, 0.22), "follaje": (0.06, 8, 0.00, 0.80), "tela": (0.02, 5, 0.00, 0.10),
    "ladrillo": (0.02, 5, 0.00, 0.15), "piedra": (0.04, 6, 0.00, 0.40), "agua": (0.90, 120, 0.90, 0.00),
    "arena": (0.02, 5, 0.00, 0.12), "asfalto": (0.05, 8, 0.00, 0.12), "yeso": (0.02, 4, 0.00, 0.04),
    "pasto": (0.03, 5, 0.00, 0.50), "nieve": (0.12, 12, 0.00, 0.12), "cerámica": (0.30, 30, 0.10, 0.00),
    "escamas": (0.40, 20, 0.08, 0.12), "nube": (0.00, 1, 0.00, 0.00), "concreto": (0.03, 6, 0.00, 0.08),
    "tierra": (0.02, 5, 0.00, 0.25), "hojarasca": (0.03, 6, 0.00, 0.60), "paja": (0.04, 6, 0.00, 0.50),
    "papel": (0.03, 6, 0.00, 0.00), "cuero": (0.15, 15, 0.02, 0.05), "hueso": (0.20, 20, 0.02, 0.00),
    "piel": (0.10, 12, 0.00, 0.02),
}

# nombre → qué se ve; la primera no se etiqueta
TEXTURES = ("liso", "rayado", "punteado", "cuadriculado", "enladrillado", "ondulado", "agrietado", "manchado",
            "veteado", "granulado", "acanalado", "escamoso", "trenzado", "rosetas", "zigzag", "empedrado", "mosaico")

# los once colores básicos (Berlin y Kay 1969), en RGB lineal: punto de partida de las pinturas
COLORS = {
    "negro": (0.03, 0.03, 0.035), "azul": (0.08, 0.20, 0.65), "café": (0.33, 0.17, 0.07), "gris": (0.42, 0.42, 0.43),
    "verde": (0.10, 0.42, 0.10), "naranja": (0.90, 0.38, 0.04), "rosa": (0.90, 0.45, 0.58),
    "morado": (0.38, 0.12, 0.55), "rojo": (0.70, 0.05, 0.05), "blanco": (0.88, 0.88, 0.86),
    "amarillo": (0.90, 0.75, 0.08),
}
