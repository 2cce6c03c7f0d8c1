"""Widgets that draw lines, not widgets: a hundred rows cost as much as the ten that are seen."""
