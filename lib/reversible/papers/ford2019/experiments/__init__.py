"""What is run: sets of errors in closed form, linear models, searches beside exact distances, nets and defences."""
