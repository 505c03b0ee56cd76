"""Transformers trained to have a circuit that is written down before.

Strict interchange-intervention training (Geiger 2022, "Inducing Causal Structure for Interpretable
Neural Networks"; strict: Gupta 2024, "InterpBench", section 3), here edge by edge. A program says
what each part of the circuit computes and which edges carry it. In training any edges of the model,
in the circuit or not, carry what they carry in a run of another prompt; the model shall then answer
as the program does with those of its own edges exchanged. So an edge of the circuit must carry what
the program says, and an edge outside of it nothing that matters, whatever else is exchanged.

Importing this package imports no torch; its modules do.
"""
