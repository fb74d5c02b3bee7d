"""Text to hits: loaders, sentences and chunks, encoder, FAISS, BM25, fusion, passages, evidence."""
