"""Images in: CTs, label maps, radiographs, and the crop that the network sees."""
