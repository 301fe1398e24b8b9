"""Makes penguins.pt: the checkpoint that a training in PyTorch leaves, for the notebook. Needs torch.

The network tells the species of a penguin from four measurements, standardised; rows with gaps are left out.
"""

import csv
from pathlib import Path

import torch
from torch import nn

HERE = Path(__file__).parent
MEASUREMENTS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
SPECIES = ["Adelie", "Chinstrap", "Gentoo"]


def main() -> None:
    with open(HERE.parents[1] / "data" / "penguins.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if all(row[name] not in ("", "NA") for name in MEASUREMENTS)]
    x = torch.tensor([[float(row[name]) for name in MEASUREMENTS] for row in rows])
    y = torch.tensor([SPECIES.index(row["species"]) for row in rows])
    mean, deviation = x.mean(0), x.std(0)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for epoch in range(150):
        loss = nn.CrossEntropyLoss()(net((x - mean) / deviation), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.save({"state_dict": net.state_dict(), "epoch": epoch + 1, "loss": loss.item()}, HERE / "penguins.pt")
    print("loss", loss.item(), "mean", mean.tolist(), "deviation", deviation.tolist())


if __name__ == "__main__":
    main()
