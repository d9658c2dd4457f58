"""Tablas: las mismas preguntas a una red que lee renglones, y no imágenes (lección 6b).

    columns    qué valores puede tomar cada columna, y los renglones como números
    credit     la tabla de créditos inventada, con su regla a la vista
    networks   una red densa chica, con unidades que se nombran y se anulan como todas
    search     el renglón que más puntúa, sin salirse de lo permitido
    plausible  qué tan parecido es un renglón a los reales
    tables     una tabla tuya, en CSV, y la de los tumores, que trae scikit-learn
"""
from labkit.tabular.columns import Choice, Columns, Number
from labkit.tabular.credit import TOWNS, Credit, conduct_rule, credit_columns, credit_rule, credit_table
from labkit.tabular.networks import row_network, row_scores, train_network
from labkit.tabular.plausible import Plausible
from labkit.tabular.search import Found, best_row, best_rows, climb, linear_optimum, relaxed
from labkit.tabular.tables import (TUMOR_COLUMNS, Table, load_tumors, read_rows, read_table, roundness, write_rows)

__all__ = ["Choice", "Columns", "Credit", "Found", "Number", "Plausible", "TOWNS", "TUMOR_COLUMNS", "Table", "best_row",
           "best_rows", "climb", "conduct_rule", "credit_columns", "credit_rule", "credit_table", "linear_optimum",
           "load_tumors", "read_rows", "read_table", "relaxed", "roundness", "row_network", "row_scores",
           "train_network", "write_rows"]
