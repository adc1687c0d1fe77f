"""Makes solubility.csv: measured solubility in water beside descriptors computed by RDKit, one molecule a line.

Run: python solubility.py esol.csv > solubility.csv     (pip install -r requirements.txt)

The input has a header and the columns `smiles` and `log_solubility` (log10 of mol/L).
"""

import csv
import sys

from rdkit import Chem
from rdkit.Chem import Crippen, Descriptors, rdMolDescriptors


def aromatic_proportion(molecule):
    """Share of the heavy atoms that are aromatic (the descriptor of Delaney's own regression)."""
    return sum(atom.GetIsAromatic() for atom in molecule.GetAtoms()) / molecule.GetNumHeavyAtoms()


DESCRIPTORS = {
    "mol_weight": (Descriptors.MolWt, 3),
    "logp": (Crippen.MolLogP, 4),
    "tpsa": (rdMolDescriptors.CalcTPSA, 2),
    "h_donors": (rdMolDescriptors.CalcNumHBD, 0),
    "h_acceptors": (rdMolDescriptors.CalcNumHBA, 0),
    "rotatable_bonds": (rdMolDescriptors.CalcNumRotatableBonds, 0),
    "rings": (rdMolDescriptors.CalcNumRings, 0),
    "aromatic_proportion": (aromatic_proportion, 4),
    "heavy_atoms": (lambda molecule: molecule.GetNumHeavyAtoms(), 0),
}


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: python solubility.py esol.csv > solubility.csv")
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["smiles", *DESCRIPTORS, "log_solubility"])
    with open(sys.argv[1], newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            molecule = Chem.MolFromSmiles(row["smiles"])
            if molecule is None:
                sys.exit(f"{sys.argv[1]}: line {number}: not a molecule: {row['smiles']}")
            values = [f"{function(molecule):.{digits}f}" for function, digits in DESCRIPTORS.values()]
            out.writerow([row["smiles"], *values, row["log_solubility"]])


main()
