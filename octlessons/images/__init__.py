"""Images in: one `ImageSet`, whatever the source."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[
        "cleaning",
        "folder",
        "imageset",
        "measurements",
        "medmnist",
        "phantoms",
        "retina",
        "sources",
    ],
    submod_attrs={
        "card": ["DataCard", "data_card"],
        "folder": ["read_folder"],
        "imageset": ["ImageSet", "Problem", "Provenance"],
        "medmnist": ["fetch_medmnist", "load_medmnist", "load_octmnist"],
        "notice": ["data_notice"],
        "phantoms": ["draw_phantoms"],
        "sources": ["load_images"],
        "textbook": ["draw_example"],
    },
)
