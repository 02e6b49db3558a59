"""How good a reconstruction is, after the freedoms of the problem are taken out."""
