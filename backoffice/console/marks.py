"""What the pictures and colours of classes are called where one is chosen."""

from backoffice.language.texts import lazy

FIGURE_NAMES = {
    "star": lazy("Star"),
    "sun": lazy("Sun"),
    "moon": lazy("Moon"),
    "cloud": lazy("Cloud"),
    "leaf": lazy("Leaf"),
    "fish": lazy("Fish"),
    "bird": lazy("Bird"),
    "cat": lazy("Cat"),
    "bear": lazy("Bear"),
    "owl": lazy("Owl"),
    "flower": lazy("Flower"),
    "boat": lazy("Boat"),
}
COLOUR_NAMES = {
    "sky": lazy("Sky"),
    "mint": lazy("Mint"),
    "coral": lazy("Coral"),
    "sun": lazy("Sun"),
    "plum": lazy("Plum"),
    "sea": lazy("Sea"),
    "rose": lazy("Rose"),
    "sand": lazy("Sand"),
}
