"""Lo que se escribe en la terminal: un archivo por orden, y `line`, que entiende lo escrito y contesta en español."""
