"""Las mismas preguntas a una red que lee texto (lección 6). En este orden se lee:

    alphabet    los signos y sus códigos: `encode`, `decode`
    texts       los textos que vienen y los tuyos: `load_texts`, `read_text`
    network     la LSTM de caracteres, con sus celdas por nombre: `load_text_network`
    reading     leer un texto largo, lo que cuesta cada signo, y escribir: `read_units`, `sign_bits`, `sample_text`
    ngrams      el piso: adivinar el signo con los pocos de antes: `NGrams`
    masks       los conceptos de un texto, calculados del texto: `CONCEPTS`
    world       un texto como conjunto con conceptos, para `dissect`: `text_world`
    cells       qué tan bien coincide cada celda con cada concepto, y qué pasa si se anula
    windows     de cuánto a cuánto está lo que se midió, si se remuestrean ventanas: `area_interval`
    search      la cadena que más enciende a una celda: `exciting_string`
    attention   una red de solo atención, y sus cabezas
"""
from labkit.sequences.alphabet import ALPHABET, decode, encode
from labkit.sequences.masks import CONCEPTS, Concept
from labkit.sequences.network import TextNetwork, load_text_network, random_text_twin
from labkit.sequences.reading import bits_per_sign, read_parts, read_units, sample_text, sign_bits, top_passages
from labkit.sequences.texts import Texts, load_texts, read_text
from labkit.sequences.world import SHARE, TextWorld, text_world

__all__ = ["ALPHABET", "CONCEPTS", "SHARE", "Concept", "TextNetwork", "TextWorld", "Texts", "bits_per_sign", "decode",
           "encode", "load_text_network", "load_texts", "random_text_twin", "read_parts", "read_text", "read_units",
           "sample_text", "sign_bits", "text_world", "top_passages"]
