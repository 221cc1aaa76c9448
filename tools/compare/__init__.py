"""Which architecture to take, and what it will cost; run by `make compare`.

`fleet` says how large what is compared is, `stacks` what the synthesized stacks run in the
clusters, `prices` what AWS charges, which `fetch` takes from AWS; `estimate` multiplies, `table`,
`explain` and `chart` show.
"""
