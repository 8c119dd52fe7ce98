"""Write small workbooks for tests."""

from datetime import datetime

import xlsxwriter


def write_xlsx(path, rows):
    """Write rows of str, int, float, datetime or None into the one sheet of a workbook; give its path."""
    with xlsxwriter.Workbook(str(path)) as book:
        as_date = book.add_format({"num_format": "yyyy/m/d h:mm"})
        sheet = book.add_worksheet()
        for row, cells in enumerate(rows):
            for column, value in enumerate(cells):
                sheet.write(row, column, value, as_date if isinstance(value, datetime) else None)
    return path
