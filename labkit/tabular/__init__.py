"""Tablas: las mismas preguntas a una red que lee renglones, y no imágenes (lección 6b).

    columns    qué valores puede tomar cada columna, y los renglones como números
    credit     la tabla de créditos inventada, con su regla a la vista
    networks   una red densa chica, con unidades que se nombran y se anulan como todas
    search     el renglón que más puntúa, sin salirse de lo permitido
    plausible  qué tan parecido es un renglón a los reales
    measured   las redes que ya vienen entrenadas, y lo que pasa al quitar columnas en ocho tablas
    tables     una tabla tuya, en CSV, y la de los tumores, que trae scikit-learn
"""
from labkit.tabular.columns import Choice, Columns, Number
from labkit.tabular.credit import (PENALTY, TOWNS, Credit, conduct_rule, credit_columns, credit_rule, credit_table,
                                   possible)
from labkit.tabular.measured import REMOVED, TABLES, TEST, TRAIN, Removal, group_gap, load_removals, load_row_network
from labkit.tabular.networks import row_network, row_scores, train_network
from labkit.tabular.plausible import Plausible
from labkit.tabular.search import Found, best_row, best_rows, climb, linear_optimum, relaxed
from labkit.tabular.tables import (TUMOR_COLUMNS, Table, load_tumors, read_rows, read_table, roundness, write_rows)

__all__ = ["Choice", "Columns", "Credit", "Found", "Number", "PENALTY", "Plausible", "REMOVED", "Removal", "TABLES",
           "TEST", "TOWNS", "TRAIN", "TUMOR_COLUMNS", "Table", "best_row", "best_rows", "climb", "conduct_rule",
           "credit_columns", "credit_rule", "credit_table", "group_gap", "linear_optimum", "load_removals",
           "load_row_network", "load_tumors", "possible", "read_rows", "read_table", "relaxed", "roundness",
           "row_network", "row_scores", "train_network", "write_rows"]
