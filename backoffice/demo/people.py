"""Made-up names for the demo. Any likeness to a real child is chance."""

GIVEN = """
Ada Amara Amir Anouk Arlo Asha Aurora Beatriz Ben Bilal Bruno Camila Carlos Cleo Daisy Dario David Dina
Eda Elias Elif Emil Emma Enzo Esme Ethan Farah Felix Fiona Freya Gabriel Gemma Hana Hugo Ida Ilias Imani
Ines Isla Ivan Jada Jakob Jasper Jonas Jun Kai Kamal Keira Kofi Lara Layla Leo Lina Liv Louis Luca Lucy Maja
Malik Mara Mateo Maya Mila Milan Mina Nadia Nico Nina Noah Nora Olive Omar Oscar Otis Paula Petra Priya Quinn
Rafael Rania Remy Rosa Ruby Sami Sara Selma Seth Sofia Soren Talia Tariq Theo Tomas Uma Vera Victor Wanda
Willa Yara Yusuf Zara Zoe
""".split()

FAMILY = """
Abara Ahlberg Almeida Andersen Aoki Baptiste Barlow Becker Benitez Bianchi Blum Bouchard Castillo Chandra Chen
Cho Costa Dahl Danso Delgado Dubois Duarte Eze Farouk Fischer Flores Fontaine Garcia Ghosh Haas Haddad Hansen
Hassan Herrera Ho Ibrahim Ito Jansen Jimenez Kaplan Karimi Kaya Keller Khan Kim Kowalski Kruger Lam Larsen
Lindqvist Lopez Lund Malik Marino Martin Mbeki Mendes Meyer Moreau Mori Moss Nakamura Nguyen Novak Nunes
Oduya Okafor Olsen Ortiz Osei Park Patel Perez Petrov Pinto Popov Quist Rahman Ramos Reyes Rossi Sato Schmidt
Serrano Shah Silva Sorensen Suzuki Takeda Tanaka Torres Turay Udo Vargas Vega Vogel Walsh Weber Wong Yamada
Yilmaz Zhang Ziegler Zuniga
""".split()

ACTIONS = (
    ("Helped a friend", 2),
    ("Asked a good question", 1),
    ("Read aloud", 2),
    ("Handed in homework", 1),
    ("Tidied up", 1),
    ("Shouted out", -1),
)

COMMENTS = (
    "Waited until everybody had understood.",
    "Carried the boxes without being asked.",
    "Much better than last week.",
)
